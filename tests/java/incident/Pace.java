package incident;

/** Does something a given number of times a second until standard input ends or the heap is full. */
final class Pace {
    private static final int BATCHES_PER_SECOND = 20;
    private static volatile boolean ended;

    /** Room to speak in when the heap is full; let go of then. */
    private static byte[] reserve = new byte[1 << 20];

    private Pace() {
    }

    interface Work {
        void run() throws Exception;
    }

    /** Says that the program is ready and watches for the end. To be called once, first. */
    static void begin() {
        Thread end = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    // Nothing is told to these programs but the end.
                }
            } catch (java.io.IOException e) {
                System.out.println(e);
            }
            System.exit(0);
        }, "end of input");
        end.setDaemon(true);
        end.start();
        System.out.println("READY");
    }

    /** Returns when the heap is full; the JVM goes on until its input ends. */
    static void perSecond(int times, Work work) throws Exception {
        int each = Math.max(1, times / BATCHES_PER_SECOND);
        long next = System.nanoTime();
        try {
            while (!ended) {
                for (int i = 0; i < each; i++) {
                    work.run();
                }
                next = Math.max(next + 1_000_000_000L * each / times, System.nanoTime() - 1_000_000_000L);
                Thread.sleep(Math.max(0, (next - System.nanoTime()) / 1_000_000));
            }
        } catch (OutOfMemoryError full) {
            reserve = null;
            ended = true;
            System.out.println("FULL");
        }
        Thread.currentThread().join();
    }

    /** As {@link #perSecond} in a thread of its own. */
    static void inBackground(int times, Work work) {
        Thread thread = new Thread(() -> {
            try {
                perSecond(times, work);
            } catch (Exception e) {
                e.printStackTrace();
            }
        }, "background");
        thread.setDaemon(true);
        thread.start();
    }

    /** Garbage as every program makes it, so that collections run. */
    static void garbage(int kilobytes) {
        for (int i = 0; i < kilobytes; i++) {
            sink = new byte[1024];
        }
    }

    private static volatile Object sink;
}
