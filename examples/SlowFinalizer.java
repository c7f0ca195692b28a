import java.lang.management.ManagementFactory;

/**
 * Models a cleanup that is too slow for the rate at which objects die: a {@code finalize()} that says goodbye to a
 * remote server, on the one finalizer thread of the VM.
 *
 * <p>What finwatch shows: after each collection {@code pending} of {@code SlowFinalizer$Session} is higher than before,
 * {@code running} is 1 nearly always, {@code finalized_total} grows by the few per second that one thread can do, and
 * {@code finalize_ns} says how long each takes. The memory of the pending sessions cannot be had back until their turn
 * comes, and their turn is getting later and later.
 *
 * <p>Usage: {@code SlowFinalizer [SECONDS [SESSIONS_PER_SECOND [MILLIS_PER_FINALIZE]]]}, default 15 200 25. One finalizer
 * thread can do 1000 / MILLIS_PER_FINALIZE sessions a second. Calls {@code System.gc()} once a second. Prints READY
 * before the first session and DONE at the end, with the backlog as it is.
 */
public final class SlowFinalizer {
    private SlowFinalizer() {}

    /** A session that is never closed, only dropped. */
    private static final class Session {
        private final int goodbyeMillis;

        Session(int goodbyeMillis) {
            this.goodbyeMillis = goodbyeMillis;
        }

        /** Waits for the server's answer to the goodbye. */
        @Override
        protected void finalize() throws InterruptedException {
            Thread.sleep(goodbyeMillis);
        }
    }

    public static void main(String[] args) throws InterruptedException {
        int seconds = args.length > 0 ? Integer.parseInt(args[0]) : 15;
        int perSecond = args.length > 1 ? Integer.parseInt(args[1]) : 200;
        int goodbyeMillis = args.length > 2 ? Integer.parseInt(args[2]) : 25;

        System.out.println("READY: " + perSecond + " sessions/s for " + seconds + " s, each takes " + goodbyeMillis
                + " ms to finalize");
        for (int second = 0; second < seconds; second++) {
            long secondEnds = System.nanoTime() + 1_000_000_000L;
            open(perSecond, goodbyeMillis);
            System.gc();
            Thread.sleep(Math.max(0, (secondEnds - System.nanoTime()) / 1_000_000));
        }
        System.out.println("DONE: " + (long) seconds * perSecond + " sessions; getObjectPendingFinalizationCount() says "
                + ManagementFactory.getMemoryMXBean().getObjectPendingFinalizationCount());
    }

    /** In a method of its own, so that no stack frame refers to a session when the collection comes. */
    private static void open(int sessions, int goodbyeMillis) {
        for (int i = 0; i < sessions; i++) {
            new Session(goodbyeMillis);
        }
    }
}
