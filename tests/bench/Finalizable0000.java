/** The smallest finalizable object there is, and its own maker. {@link ClassFactory} defines copies of it under other names. */
public final class Finalizable0000 implements Maker {
    /** Something to do: an empty {@code finalize()} is not registered at all. */
    private static int finalized;

    @Override
    public Object make() {
        return new Finalizable0000();
    }

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        finalized++;
    }
}
