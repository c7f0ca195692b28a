import java.util.concurrent.atomic.AtomicReference;

/** Threads that do the same piece of work until a time has passed. */
final class Load {
    private Load() {}

    /** A piece of work. */
    interface Work {
        void run() throws Exception;
    }

    /** Has that many threads work for so many seconds; throws the first exception of any of them. */
    static void run(String seconds, int threads, Work work) throws Exception {
        long end = System.nanoTime() + Long.parseLong(seconds) * 1_000_000_000L;
        AtomicReference<Exception> failed = new AtomicReference<>();
        Thread[] workers = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            workers[i] = new Thread(() -> {
                try {
                    while (System.nanoTime() < end && failed.get() == null) {
                        work.run();
                    }
                } catch (Exception exception) {
                    failed.compareAndSet(null, exception);
                }
            });
            workers[i].start();
        }
        for (Thread worker : workers) {
            worker.join();
        }
        if (failed.get() != null) {
            throw failed.get();
        }
    }
}
