package java.lang.ref;

import java.lang.reflect.Field;
import java.util.concurrent.locks.Lock;
import sun.misc.Unsafe;

/**
 * Counts what is registered and what is pending, without the hooks: along the chain
 * {@code Finalizer.unfinalized} and along {@code Finalizer.queue}.
 *
 * <p>Each is walked under its own lock, which its own threads wait for meanwhile: those that
 * register or take an object from the chain, those that put one into the queue or take one
 * from it. Everything else runs on. What the hooks have counted is read at the end of a walk,
 * with the lock still held: a thread that had changed the chain and not counted that yet has
 * had all the time of the walk to do so.
 *
 * <p>The agent's own thread, and the one that attaches it. What is relied on: the names of the
 * fields, looked for each time; the last of a queue is linked to itself; the lock of a queue
 * is in its field {@code lock}, a monitor or a {@link Lock} (JDK 19 to 20).
 */
final class FinwatchChain {
    private static final Unsafe UNSAFE = Unsafe.getUnsafe();

    /** Whether objects are read with the method that JDK 12 has introduced. */
    private static final boolean IS_REFERENCE = hasMethod("getReference");

    /** Counts that are not a slot's, before those of the slots: see {@link #registered}. */
    private static final int HEAD = 2;

    private FinwatchChain() {}

    private static boolean hasMethod(String name) {
        try {
            Unsafe.class.getDeclaredMethod(name, Object.class, long.class);
            return true;
        } catch (NoSuchMethodException olderJdk) {
            return false;
        }
    }

    /**
     * Objects on the chain.
     *
     * @param finalizer the class {@code Finalizer}, which no compiler is told of
     * @return nanoseconds that the lock was held; objects whose class can't be told, as the
     *     collector is at them; then for each slot: objects on the chain, registrations and
     *     calls of {@code finalize()} that the hooks have counted
     */
    static long[] registered(Class<?> finalizer) throws NoSuchFieldException {
        long unfinalized = staticOffset(finalizer, "unfinalized");
        long next = UNSAFE.objectFieldOffset(finalizer.getDeclaredField("next"));
        Object statics = UNSAFE.staticFieldBase(finalizer.getDeclaredField("unfinalized"));
        Object lock = read(statics, staticOffset(finalizer, "lock"));
        long[] counts = new long[HEAD + 3 * FinwatchHook.SLOTS];
        synchronized (lock) {
            long start = System.nanoTime();
            Object first = read(statics, unfinalized);
            for (Object each = first; each != null; each = read(each, next)) {
                count(counts, (Reference<?>) each);
            }
            FinwatchHook.copyRegistered(counts, HEAD + FinwatchHook.SLOTS);
            FinwatchHook.copyStarted(counts, HEAD + 2 * FinwatchHook.SLOTS);
            counts[0] = System.nanoTime() - start;
        }
        return counts;
    }

    /**
     * Objects in the queue.
     *
     * @return as {@link #registered} does, of the queue, with what the hooks have counted as
     *     enqueued
     */
    static long[] pending(Class<?> finalizer) throws NoSuchFieldException {
        Object statics = UNSAFE.staticFieldBase(finalizer.getDeclaredField("queue"));
        Object queue = read(statics, staticOffset(finalizer, "queue"));
        Object lock = lockOf(queue);
        long[] counts = new long[HEAD + 3 * FinwatchHook.SLOTS];
        if (lock instanceof Lock) {
            ((Lock) lock).lock();
            try {
                countQueue(counts, queue);
            } finally {
                ((Lock) lock).unlock();
            }
        } else {
            synchronized (lock) {
                countQueue(counts, queue);
            }
        }
        return counts;
    }

    private static void countQueue(long[] counts, Object queue) throws NoSuchFieldException {
        long start = System.nanoTime();
        long head = UNSAFE.objectFieldOffset(ReferenceQueue.class.getDeclaredField("head"));
        long next = UNSAFE.objectFieldOffset(Reference.class.getDeclaredField("next"));
        Object last = null;
        for (Object each = read(queue, head); each != null && each != last; each = read(each, next)) {
            count(counts, (Reference<?>) each);
            last = each;
        }
        FinwatchHook.copyEnqueued(counts, HEAD + FinwatchHook.SLOTS);
        FinwatchHook.copyStarted(counts, HEAD + 2 * FinwatchHook.SLOTS);
        counts[0] = System.nanoTime() - start;
    }

    private static void count(long[] counts, Reference<?> reference) {
        Object object = reference.get();
        if (object == null) {
            counts[1]++;
        } else {
            counts[HEAD + FinwatchSlot.find(object)]++;
        }
    }

    private static Object lockOf(Object queue) throws NoSuchFieldException {
        for (Class<?> type = queue.getClass(); type != Object.class; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                Object lock = field.getName().equals("lock") ? read(queue, UNSAFE.objectFieldOffset(field)) : null;
                if (lock != null) {
                    return lock;
                }
            }
        }
        throw new NoSuchFieldException(queue.getClass().getName() + ".lock");
    }

    private static long staticOffset(Class<?> finalizer, String name) throws NoSuchFieldException {
        return UNSAFE.staticFieldOffset(finalizer.getDeclaredField(name));
    }

    private static Object read(Object object, long offset) {
        return IS_REFERENCE ? UNSAFE.getReference(object, offset) : UNSAFE.getObject(object, offset);
    }
}
