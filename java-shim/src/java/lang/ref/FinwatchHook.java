package java.lang.ref;

import finwatch.Sites;
import sun.misc.JavaLangAccess;
import sun.misc.Unsafe;
import sun.misc.VM;

/**
 * The three steps of finalization, counted.
 *
 * <p>Calls to these methods are spliced into {@link Finalizer} and {@link ReferenceQueue}.
 * The class is defined in {@code java.base} by JNI {@code DefineClass}; the internal names
 * of {@code JavaLangAccess}, {@code VM} and {@code Unsafe} are renamed to those of the JDK
 * at hand, and {@link #COUNTERS} to the address of the native counters, before that.
 *
 * <p>What the callers rely on:
 * <ol>
 * <li>On the usual path nothing is allocated, no lock is taken, nothing is thrown and
 *     no object is kept.
 * <li>{@link #registered} runs in any thread, a virtual one too, at any stack depth, with the
 *     heap perhaps full, when the {@code Finalizer} is on the chain. If it throws, because no
 *     stack is left, it has counted nothing; a handler in its caller then leaves the {@code
 *     Finalizer} in {@link #UNCALLED}, without a call, and lets nothing through.
 * <li>{@link #enqueued} runs in the ReferenceHandler thread, under the queue's lock. An
 *     exception that escaped there would end reference processing for good.
 * <li>{@link #invokeFinalize} runs in a finalizer thread, and lets through whatever
 *     {@code finalize()} throws: the JDK swallows it. Nothing before the call may fail, with the heap full
 *     either: the object would never be finalized. It allocates afterwards, at most a few weak references
 *     for each class between two collections of the whole heap ({@link FinwatchSurvivor}).
 * </ol>
 *
 * <p>What it relies on: counters of one class are found by the slot in
 * {@link FinwatchSlot}; the layout of the native counters is that of the agent's
 * {@code ledger} (its tests compare both).
 */
final class FinwatchHook {
    /** Slots in every row of counters. */
    static final int SLOTS = 4096;

    /** Rows of registrations that threads share; one uses the row that its id selects. */
    static final int STRIPES = 8;

    /**
     * Threads with a row of registrations of their own: those whose ids are below this. An id is never
     * given again, so only the one thread, which runs nowhere twice at once, writes to it.
     */
    static final int OWNERS = 256;

    /** Buckets of the histogram of durations of one class. */
    static final int BUCKETS = 164;

    /** The address of the native counters: a constant that the agent replaces. */
    private static final long COUNTERS = 0x66696e7761746368L;

    private static final int ENQUEUED = STRIPES;
    private static final int STARTED = STRIPES + 1;
    private static final int FINALIZED = STRIPES + 2;
    private static final int THREW = STRIPES + 3;
    private static final int NANOS_SUM = STRIPES + 4;
    private static final int NANOS_MAX = STRIPES + 5;
    private static final int NANOS_LAST = STRIPES + 6;
    private static final int STARTED_ALONE = STRIPES + 7;
    private static final int FINALIZED_ALONE = STRIPES + 8;
    private static final int HISTOGRAMS = STRIPES + 9;
    private static final int OWNED = HISTOGRAMS + BUCKETS;

    /** Calls of each class that are timed in any case. */
    private static final long ALWAYS_TIMED = 64;

    /**
     * Of a class whose calls are short one call in so many is timed: reading the clock twice costs more than they do.
     * The second number is for when there were many.
     */
    private static final long TIMED_ONE_IN = 16;
    private static final long TIMED_LATER_ONE_IN = 64;
    private static final long MANY_CALLS = 4096;

    /** Nanoseconds below which a call is short. */
    private static final long SHORT = 16_384;

    /** Registrations of each class in each row whose stacks are taken in any case. */
    private static final long FIRST_SAMPLED = 4;

    /** So many more have one in 1,024 taken, and what comes then one in 16,384: by so many bits of a hash. */
    private static final long OFTEN_SAMPLED = 1 << 16;
    private static final int OFTEN = 10;
    private static final int SELDOM = 14;

    /** No slot: nothing to count. */
    static final int NOTHING = -1;

    private static final Unsafe UNSAFE = Unsafe.getUnsafe();

    /**
     * Where a thread keeps its id; {@code Thread.getId()} won't do, programs override it.
     * Negative on a JDK that keeps it elsewhere: then one shared row serves all.
     */
    private static final long THREAD_ID = threadIdOffset();

    /**
     * Finalizers whose registration found no stack for a call, and that {@link #settle} has not counted yet; its
     * own lock. They are on the JDK's chain too, so their objects are kept alive no longer than without us.
     * {@code Finalizer.register} writes to it, from the beginning again when it is full. A power of two long.
     */
    static final Reference<?>[] UNCALLED = new Reference<?>[1024];

    /** How many were left there. */
    static volatile int uncalled;

    /**
     * Of the thread Finalizer alone, not of secondary finalizer threads: it has rows to itself, so it counts without
     * atomic additions. Null on a JDK where it is of another class.
     */
    private static final Class<?> FINALIZER_THREAD = finalizerThread();

    /** {@link Sites} is there for this class. */
    private static boolean linked;

    /** Whether stacks are taken. A thread that sees it late takes one more, or one less. */
    private static boolean sampling;

    private FinwatchHook() {}

    /** Fails, before any call is redirected here, on a JDK without the method that {@link #enqueued} calls. */
    static void prepare() {
        VM.addFinalRefCount(0);
    }

    /** Has the VM resolve the call, which must not be left to a registration. */
    static void link() {
        try {
            Sites.take(NOTHING, 0);
            linked = true;
        } catch (Throwable notThere) {
            // No stacks then.
        }
    }

    /** Whether the stacks of some registrations are taken from now on. The agent's own thread only. */
    static void sample(boolean on) {
        sampling = on && linked;
    }

    private static Class<?> finalizerThread() {
        try {
            return Class.forName("java.lang.ref.Finalizer$FinalizerThread", false, null);
        } catch (Throwable unknownJdk) {
            return null;
        }
    }

    private static long threadIdOffset() {
        try {
            return UNSAFE.objectFieldOffset(Thread.class.getDeclaredField("tid"));
        } catch (Throwable unknownJdk) {
            return -1;
        }
    }

    /**
     * The Finalizer of an object is on the chain. Throws nothing once that is counted.
     *
     * <p>Not before: the object often begins in the cache line in which the Finalizer that this thread made
     * before it ends, and to that one the next of any thread is linked. Reading the class ahead of the chain's
     * lock waited for that line to come back, 22 ns of 140 where two threads do nothing but register.
     */
    @SuppressWarnings("finally")
    static void registered(Object object) {
        int slot = FinwatchSlot.find(object);
        long thread = THREAD_ID < 0 ? OWNERS : UNSAFE.getLong(Thread.currentThread(), THREAD_ID);
        long before;
        if (thread < OWNERS) {
            // Nobody else writes there, so it takes no atomic addition.
            before = addAlone(COUNTERS + ((thread + OWNED) * SLOTS + slot << 3));
        } else {
            long stripe = thread & (STRIPES - 1);
            before = UNSAFE.getAndAddLong(null, COUNTERS + (stripe * SLOTS + slot << 3), 1L);
        }
        try {
            // At distances that no pattern of the program keeps step with (Fibonacci hashing:
            // Knuth, The Art of Computer Programming 3, 6.4), and the first few.
            long hash = before * 0x9E3779B97F4A7C15L;
            int bits = before < OFTEN_SAMPLED ? OFTEN : SELDOM;
            boolean chosen = hash >>> Long.SIZE - bits == 0 || before < FIRST_SAMPLED;
            if (chosen && sampling) {
                Sites.take(slot, before < FIRST_SAMPLED ? 1 : 1 << bits);
            }
        } finally {
            // Whatever was thrown ends here. A catch would name a class, to be resolved first.
            return;
        }
    }

    /**
     * Counts the registrations that found no stack for a call. The agent's own thread, before it reads the
     * counters, and finalizer threads, before an object loses its Finalizer. Those that found no room in
     * {@link #UNCALLED} either are in the total only.
     */
    static void settle() {
        if (uncalled == 0) {
            return;
        }
        synchronized (UNCALLED) {
            int beyond = uncalled - UNCALLED.length;
            if (beyond > 0) {
                add(row(0, FinwatchSlot.OTHER), beyond);
                uncalled = UNCALLED.length;
            }
            for (int left = uncalled - 1; left >= 0; left--) {
                Reference<?> finalizer = UNCALLED[left];
                // The thread may have been stopped between counting and leaving it there.
                Object object = finalizer == null ? null : finalizer.get();
                add(row(0, object == null ? FinwatchSlot.OTHER : FinwatchSlot.find(object)), 1);
                UNCALLED[left] = null;
                uncalled = left;
            }
        }
    }

    private static void trySettle() {
        try {
            settle();
        } catch (Throwable later) {
            // The agent's thread will.
        }
    }

    /** The collector found the referent unreachable and it is being queued. */
    static void enqueued(Reference<?> reference) {
        VM.addFinalRefCount(1);
        try {
            Object object = reference.get();
            if (object != null) {
                // The queue's lock is held: nobody else writes to this row.
                addAlone(row(ENQUEUED, FinwatchSlot.find(object)));
            }
        } catch (Throwable neverLetThrough) {
            // Uncounted, which the agent notices from the VM's own pending count.
        }
    }

    /** Calls {@code finalize()} of an object that has just left the chain. */
    static void invokeFinalize(JavaLangAccess access, Object object) throws Throwable {
        trySettle();
        int slot = FinwatchSlot.find(object);
        boolean alone = Thread.currentThread().getClass() == FINALIZER_THREAD;
        boolean timed = isTimed(slot, alone ? addAlone(row(STARTED_ALONE, slot)) : add(row(STARTED, slot), 1));
        int outcome = THREW;
        long start = timed ? System.nanoTime() : 0;
        try {
            access.invokeFinalize(object);
            outcome = alone ? FINALIZED_ALONE : FINALIZED;
        } finally {
            if (timed) {
                took(slot, System.nanoTime() - start);
            }
            if (outcome == FINALIZED_ALONE) {
                addAlone(row(FINALIZED_ALONE, slot));
            } else {
                add(row(outcome, slot), 1);
            }
            FinwatchSurvivor.watch(object, slot);
        }
    }

    private static boolean isTimed(int slot, long callsBefore) {
        long oneIn = callsBefore < MANY_CALLS ? TIMED_ONE_IN : TIMED_LATER_ONE_IN;
        return callsBefore < ALWAYS_TIMED
                || (callsBefore & (oneIn - 1)) == 0
                || UNSAFE.getLong(row(NANOS_LAST, slot)) >= SHORT;
    }

    private static void took(int slot, long nanos) {
        UNSAFE.putLong(row(NANOS_LAST, slot), nanos);
        add(row(NANOS_SUM, slot), nanos);
        if (nanos > UNSAFE.getLong(row(NANOS_MAX, slot))) {
            raiseMaximum(row(NANOS_MAX, slot), nanos);
        }
        add(row(HISTOGRAMS, 0) + ((slot * (long) BUCKETS + bucket(nanos)) << 3), 1);
    }

    /** Rare, so a lock does; compare-and-swap has no name common to all JDKs. */
    private static synchronized void raiseMaximum(long address, long nanos) {
        if (nanos > UNSAFE.getLong(address)) {
            UNSAFE.putLong(address, nanos);
        }
    }

    /**
     * Four buckets to each power of two: of {@code v} below 4 bucket {@code v}, then the
     * exponent and the two bits below the highest.
     */
    static int bucket(long nanos) {
        if (nanos < 4) {
            return nanos < 0 ? 0 : (int) nanos;
        }
        int exponent = 63 - Long.numberOfLeadingZeros(nanos);
        int bucket = ((exponent - 1) << 2) + ((int) (nanos >>> (exponent - 2)) & 3);
        return bucket < BUCKETS ? bucket : BUCKETS - 1;
    }

    /** Copies the numbers of registrations, of all slots that were ever given to a class. */
    static void copyRegistered(long[] to, int at) {
        settle();
        int slots = FinwatchSlot.used();
        addRows(0, STRIPES, slots, to, at);
        addRows(OWNED, OWNERS, slots, to, at);
    }

    private static void addRows(int first, int rows, int slots, long[] to, int at) {
        for (int row = first; row < first + rows; row++) {
            for (int slot = 0; slot < slots; slot++) {
                to[at + slot] += UNSAFE.getLong(row(row, slot));
            }
        }
    }

    /** Copies the numbers of objects that were put into the queue, of all slots. */
    static void copyEnqueued(long[] to, int at) {
        addRows(ENQUEUED, 1, FinwatchSlot.used(), to, at);
    }

    /** Copies the numbers of calls of {@code finalize()} that have begun, of all slots. */
    static void copyStarted(long[] to, int at) {
        addRows(STARTED, 1, FinwatchSlot.used(), to, at);
        addRows(STARTED_ALONE, 1, FinwatchSlot.used(), to, at);
    }

    private static long row(int row, int slot) {
        return COUNTERS + ((row * (long) SLOTS + slot) << 3);
    }

    private static long add(long address, long delta) {
        return UNSAFE.getAndAddLong(null, address, delta);
    }

    /** One more at an address that no other thread writes to. */
    private static long addAlone(long address) {
        long before = UNSAFE.getLong(address);
        UNSAFE.putLong(address, before + 1);
        return before;
    }
}
