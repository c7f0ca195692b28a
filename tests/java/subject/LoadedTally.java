package subject;

/** Counts for the classes that other loaders define; public, since another loader's package is another package. */
public final class LoadedTally {
    static final Tally TALLY = Tally.of("loaded");

    private LoadedTally() {
    }

    public static void enter() {
        TALLY.enter();
    }
}
