package incident;

/**
 * Statements that are dropped faster than the finalizer thread can close them.
 *
 * <p>Modelled on the Virtuoso JDBC driver: each {@code VirtuosoStatement} was closed in {@code finalize()} by a round trip
 * to the server, and the queue of the finalizer thread grew until the heap was full (openlink/virtuoso-opensource,
 * "OutOfMemoryError: millions of java.lang.ref.Finalizer").
 */
public final class QueuedStatements {
    private QueuedStatements() {
    }

    /** Queued most, and finalized in no time. */
    static final class Result {
        private final byte[] rows = new byte[600];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            rows[0] = 1;
        }
    }

    /** Fewer, but each costs the thread a round trip. */
    static final class Statement {
        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() throws InterruptedException {
            Thread.sleep(5);
        }
    }

    public static void main(String[] arguments) throws Exception {
        int perSecond = Integer.parseInt(arguments[0]);
        Pace.begin();
        Pace.perSecond(perSecond, () -> {
            new Statement();
            for (int i = 0; i < 8; i++) {
                new Result();
            }
            Pace.garbage(8);
        });
    }
}
