import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;

/**
 * Allocates finalizable objects and nothing else: the worst case there is for the hook in {@code Finalizer.register}.
 *
 * <p>Arguments: {@code CLASSES platform|virtual THREADS OBJECTS REPETITIONS}. A repetition is OBJECTS objects, from each of
 * THREADS platform threads, or shared out among as many new virtual threads. Run it where nothing is collected, so that
 * neither a collection nor a finalizer thread runs beside it; it reports {@code collections}, which must be 0.
 *
 * <p>Reports nanoseconds per object as one thread sees them: {@code elapsed_ns}, and {@code cpu_ns} on platform threads.
 */
public final class FinalizableAllocation {
    private final Maker[] makers;
    private final int objects;
    private final double[] elapsed;
    private final double[] cpu;

    private FinalizableAllocation(Maker[] makers, int objects, int repetitions) {
        this.makers = makers;
        this.objects = objects;
        this.elapsed = new double[repetitions];
        this.cpu = new double[repetitions];
    }

    public static void main(String[] args) throws Exception {
        Maker[] makers = ClassFactory.makers(Integer.parseInt(args[0]));
        int threads = Integer.parseInt(args[2]);
        FinalizableAllocation benchmark =
                new FinalizableAllocation(makers, Integer.parseInt(args[3]), Integer.parseInt(args[4]));
        if (args[1].equals("virtual")) {
            benchmark.onVirtualThreads(threads);
        } else {
            benchmark.onPlatformThreads(threads);
            Report.repetitions("cpu_ns", benchmark.cpu);
        }
        Report.repetitions("elapsed_ns", benchmark.elapsed);
        Report.value("collections", collections());
    }

    /** Each object is dropped at once; registration keeps it alive. */
    private static void allocate(Maker[] makers, int count) {
        int next = 0;
        for (int i = 0; i < count; i++) {
            makers[next].make();
            next = next + 1 == makers.length ? 0 : next + 1;
        }
    }

    private void onPlatformThreads(int threads) throws InterruptedException {
        long[][] start = new long[threads][elapsed.length];
        long[][] end = new long[threads][elapsed.length];
        long[][] used = new long[threads][elapsed.length];
        CyclicBarrier together = new CyclicBarrier(threads);
        Thread[] workers = new Thread[threads];
        for (int t = 0; t < threads; t++) {
            int self = t;
            workers[t] = new Thread(() -> allocateTogether(together, start[self], end[self], used[self]));
            workers[t].start();
        }
        for (Thread worker : workers) {
            worker.join();
        }
        for (int r = 0; r < elapsed.length; r++) {
            summarize(r, start, end, used);
        }
    }

    private void allocateTogether(CyclicBarrier together, long[] start, long[] end, long[] used) {
        ThreadMXBean clock = ManagementFactory.getThreadMXBean();
        try {
            for (int r = 0; r < elapsed.length; r++) {
                together.await();
                long cpuBefore = clock.getCurrentThreadCpuTime();
                start[r] = System.nanoTime();
                allocate(makers, objects);
                end[r] = System.nanoTime();
                used[r] = clock.getCurrentThreadCpuTime() - cpuBefore;
            }
        } catch (Exception brokenBarrier) {
            throw new IllegalStateException(brokenBarrier);
        }
    }

    private void summarize(int repetition, long[][] start, long[][] end, long[][] used) {
        long first = Long.MAX_VALUE;
        long last = Long.MIN_VALUE;
        long sum = 0;
        for (int t = 0; t < start.length; t++) {
            first = Math.min(first, start[t][repetition]);
            last = Math.max(last, end[t][repetition]);
            sum += used[t][repetition];
        }
        elapsed[repetition] = (double) (last - first) / objects;
        cpu[repetition] = (double) sum / start.length / objects;
    }

    /** New virtual threads each time, because a program that uses them has many and short ones. */
    private void onVirtualThreads(int threads) throws Exception {
        int share = objects / threads;
        for (int r = 0; r < elapsed.length; r++) {
            CountDownLatch done = new CountDownLatch(threads);
            long start = System.nanoTime();
            for (int t = 0; t < threads; t++) {
                startVirtualThread(() -> {
                    allocate(makers, share);
                    done.countDown();
                });
            }
            done.await();
            elapsed[r] = (double) (System.nanoTime() - start) / (share * threads);
        }
    }

    /** By reflection, because these programs are compiled for Java 8. */
    private static void startVirtualThread(Runnable body) throws ReflectiveOperationException {
        Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, body);
    }

    private static long collections() {
        long sum = 0;
        for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            sum += Math.max(0, collector.getCollectionCount());
        }
        return sum;
    }
}
