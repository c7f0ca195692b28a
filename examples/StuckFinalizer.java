import java.lang.management.ManagementFactory;
import java.util.concurrent.CountDownLatch;

/**
 * Models one {@code finalize()} that never comes back: it needs a lock that the application holds for a long time.
 *
 * <p>What finwatch shows: {@code running} of {@code StuckFinalizer$Connection} is 1 and stays 1; nothing is finalized
 * any more, and {@code pending} of {@code StuckFinalizer$Buffer}, which has no part in it, grows with every collection.
 * The VM's own number does not contain the stuck one: it had left the queue before its {@code finalize()} was called.
 * When the application gives the lock back, the whole queue is finalized within a moment.
 *
 * <p>Usage: {@code StuckFinalizer [SECONDS [BUFFERS_PER_SECOND]]}, default 15 1000; the lock is held for all but the
 * last two seconds. Calls {@code System.gc()} once a second. Prints READY once the finalizer thread is stuck, RELEASED
 * when the lock has been given back, DONE at the end.
 */
public final class StuckFinalizer {
    private static final Object POOL_LOCK = new Object();
    private static final CountDownLatch FINALIZER_ENTERED = new CountDownLatch(1);
    private static final int SECONDS_AFTER_RELEASE = 2;

    private StuckFinalizer() {}

    /** A connection that hands itself back to its pool when nobody wants it any more. */
    private static final class Connection {
        @Override
        protected void finalize() {
            FINALIZER_ENTERED.countDown();
            synchronized (POOL_LOCK) {
                POOL_LOCK.notifyAll();
            }
        }
    }

    /** Something else that is finalizable, and quick. */
    private static final class Buffer {
        private boolean freed;

        @Override
        protected void finalize() {
            freed = true;
        }
    }

    public static void main(String[] args) throws InterruptedException {
        int seconds = args.length > 0 ? Integer.parseInt(args[0]) : 15;
        int perSecond = args.length > 1 ? Integer.parseInt(args[1]) : 1000;

        synchronized (POOL_LOCK) {
            dropConnection();
            System.gc();
            FINALIZER_ENTERED.await();
            System.out.println("READY: the finalizer thread is inside Connection.finalize() and waits for a lock");
            allocateFor(Math.max(1, seconds - SECONDS_AFTER_RELEASE), perSecond);
        }
        System.out.println("RELEASED: the lock is free again");
        allocateFor(SECONDS_AFTER_RELEASE, perSecond);
        System.out.println("DONE: getObjectPendingFinalizationCount() says " + vmPending());
    }

    private static void allocateFor(int seconds, int perSecond) throws InterruptedException {
        for (int second = 0; second < seconds; second++) {
            long secondEnds = System.nanoTime() + 1_000_000_000L;
            dropBuffers(perSecond);
            System.gc();
            Thread.sleep(Math.max(0, (secondEnds - System.nanoTime()) / 1_000_000));
        }
        System.out.println("getObjectPendingFinalizationCount() says " + vmPending());
    }

    private static int vmPending() {
        return ManagementFactory.getMemoryMXBean().getObjectPendingFinalizationCount();
    }

    /** In a method of its own, as {@link #dropBuffers}, so that no stack frame refers to what is to be collected. */
    private static void dropConnection() {
        new Connection();
    }

    private static void dropBuffers(int buffers) {
        for (int i = 0; i < buffers; i++) {
            new Buffer();
        }
    }
}
