package incident;

/**
 * A finalizer that waits for a lock which the application holds for ever.
 *
 * <p>Modelled on the JDK's own advice against it: "Finalizers can block on a lock that the application holds" (JEP 421,
 * "Deprecate Finalization for Removal", lists deadlocks and blocking among the flaws), and on the Hibernate and c3p0
 * reports of a {@code Finalizer} thread that is {@code BLOCKED} on a pool's lock.
 */
public final class LockedFinalizer {
    static final class Pool {
    }

    private static final Pool POOL = new Pool();

    private LockedFinalizer() {
    }

    static final class Connection {
        private final byte[] buffer = new byte[600];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            synchronized (POOL) {
                buffer[0] = 1;
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        Thread owner = new Thread(() -> {
            synchronized (POOL) {
                holdForEver();
            }
        }, "pool owner");
        owner.setDaemon(true);
        owner.start();
        while (owner.getState() != Thread.State.WAITING) {
            Thread.yield();
        }
        Pace.begin();
        Pace.perSecond(Integer.parseInt(arguments[0]), () -> {
            new Connection();
            Pace.garbage(8);
        });
    }

    private static void holdForEver() {
        java.util.concurrent.locks.LockSupport.park();
        holdForEver();
    }
}
