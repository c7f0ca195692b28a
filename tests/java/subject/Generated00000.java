package subject;

/** The pattern of many classes: {@link Loading} replaces the digits in its class file, whose length stays. */
public class Generated00000 {
    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        LoadedTally.enter();
    }
}
