package incident;

import java.util.concurrent.CountDownLatch;

/**
 * {@code close()} and {@code finalize()} take the same two locks, each in its own order.
 *
 * <p>Modelled on the SQL Server driver (microsoft/mssql-jdbc, deadlock between the {@code Finalizer} thread in
 * {@code SQLServerStatement.finalize} and a thread in {@code SQLServerConnection.close}; the driver removed its
 * finalizers afterwards).
 */
public final class CloseDeadlock {
    static final class ConnectionLock {
    }

    static final class StatementLock {
    }

    private static final ConnectionLock CONNECTION = new ConnectionLock();
    private static final StatementLock STATEMENT = new StatementLock();
    private static final CountDownLatch CLOSING = new CountDownLatch(1);
    private static final CountDownLatch FINALIZING = new CountDownLatch(1);

    private CloseDeadlock() {
    }

    static final class Statement {
        private final byte[] buffer = new byte[600];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() throws InterruptedException {
            synchronized (STATEMENT) {
                FINALIZING.countDown();
                CLOSING.await();
                synchronized (CONNECTION) {
                    buffer[0] = 1;
                }
            }
        }
    }

    private static void close() {
        synchronized (CONNECTION) {
            CLOSING.countDown();
            try {
                FINALIZING.await();
            } catch (InterruptedException e) {
                return;
            }
            synchronized (STATEMENT) {
                System.out.println("closed");
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        Thread closer = new Thread(CloseDeadlock::close, "closer");
        closer.setDaemon(true);
        closer.start();
        Pace.begin();
        Pace.perSecond(Integer.parseInt(arguments[0]), () -> {
            new Statement();
            Pace.garbage(8);
        });
    }
}
