package subject;

/** Defined again and again under this one name, by many loaders: see {@link Loading}. Public, for it is used from another loader. */
public class Isolated {
    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        LoadedTally.enter();
    }
}
