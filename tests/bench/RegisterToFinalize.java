import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The whole life of short-lived finalizable objects: created, dropped, found by a young collection, finalized.
 *
 * <p>Arguments: {@code OBJECTS REPETITIONS}. A repetition creates OBJECTS objects, makes garbage until a collection has
 * seen them unreachable, and ends when the last of them was finalized. All three hooks are in it, and all the work that
 * the JVM itself has with a finalizable object.
 *
 * <p>Reports nanoseconds per object: {@code cpu_ns} over all threads of the JVM, and {@code elapsed_ns}.
 */
public final class RegisterToFinalize {
    /** Written by the finalizer thread alone, so an ordered store is enough. */
    private static final AtomicLong FINALIZED = new AtomicLong();

    private static final long LOST_AFTER_NANOS = 5_000_000_000L;

    private static Object garbage;
    private static volatile long expected;
    private static volatile Thread waiter;

    private RegisterToFinalize() {}

    private static final class ShortLived {
        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            long done = FINALIZED.get() + 1;
            FINALIZED.lazySet(done);
            if (done == expected) {
                LockSupport.unpark(waiter);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        int objects = Integer.parseInt(args[0]);
        double[] cpu = new double[Integer.parseInt(args[1])];
        double[] elapsed = new double[cpu.length];
        waiter = Thread.currentThread();
        for (int r = 0; r < cpu.length; r++) {
            long cpuBefore = CpuClock.processNanos();
            long start = System.nanoTime();
            repetition(objects);
            elapsed[r] = (double) (System.nanoTime() - start) / objects;
            cpu[r] = (double) (CpuClock.processNanos() - cpuBefore) / objects;
        }
        Report.repetitions("cpu_ns", cpu);
        Report.repetitions("elapsed_ns", elapsed);
    }

    private static void repetition(int objects) {
        expected += objects;
        create(objects);
        collect();
        awaitFinalized();
    }

    private static void create(int count) {
        for (int i = 0; i < count; i++) {
            new ShortLived();
        }
    }

    /** Garbage until a collection has cleared a reference that was made after the last of the objects. */
    private static void collect() {
        WeakReference<Object> sentinel = new WeakReference<>(new Object());
        while (sentinel.get() != null) {
            garbage = new byte[8192];
        }
    }

    private static void awaitFinalized() {
        long start = System.nanoTime();
        while (FINALIZED.get() < expected) {
            LockSupport.parkNanos(1_000_000);
            if (System.nanoTime() - start > LOST_AFTER_NANOS) {
                throw new IllegalStateException("finalized " + FINALIZED.get() + " of " + expected);
            }
        }
    }
}
