package java.lang.ref;

/**
 * A few objects of each class, watched from the end of their {@code finalize()}: those that collections
 * leave in the heap were resurrected.
 *
 * <p>The weak reference keeps nothing alive, is asked nothing while a concurrent collector marks, and is
 * there for the time of two collections of the whole heap at most.
 */
final class FinwatchSurvivor extends WeakReference<Object> {
    /** So many of a class are watched at a time, */
    private static final int OF_A_CLASS = 8;

    /** and so many altogether. */
    private static final int MOST = 1024;

    /**
     * Collections of the whole heap that began after {@code finalize()} had ended and have left the object:
     * the first alone may have taken the young generation for roots (CMS). Of G1's cycles both pauses count. One
     * for which the application stood still is enough.
     */
    private static final int COLLECTIONS = 2;

    /** Where the collector puts those whose object is gone. */
    private static final ReferenceQueue<Object> DEAD = new ReferenceQueue<>();

    private static final FinwatchSurvivor[] WATCHED = new FinwatchSurvivor[MOST];

    private static int watched;

    /**
     * Whether there is room in the heap for more: with the heap full each attempt to make one would be another full
     * collection, while it takes finalization to have room again.
     */
    private static boolean room = true;

    private static final int[] WATCHED_OF_SLOT = new int[FinwatchHook.SLOTS];

    private final int slot;

    /** {@code System.nanoTime()} when {@code finalize()} had ended. */
    private final long since;

    /** Of the whole heap, begun since then. */
    private int collections;

    /** The place in {@link #WATCHED}; negative when no longer there. */
    private int at;

    private FinwatchSurvivor(Object object, int slot) {
        super(object, DEAD);
        this.slot = slot;
        this.since = System.nanoTime();
    }

    /** The {@code finalize()} of an object in that slot has ended. Finalizer threads; throws nothing. */
    static void watch(Object object, int slot) {
        if (!room || slot == FinwatchSlot.OTHER || WATCHED_OF_SLOT[slot] >= OF_A_CLASS || watched >= MOST) {
            return;
        }
        try {
            add(new FinwatchSurvivor(object, slot));
        } catch (Throwable noRoom) {
            room = false;
        }
    }

    private static synchronized void add(FinwatchSurvivor survivor) {
        if (watched < MOST) {
            survivor.at = watched;
            WATCHED[watched++] = survivor;
            WATCHED_OF_SLOT[survivor.slot]++;
        }
    }

    private static void remove(FinwatchSurvivor survivor) {
        FinwatchSurvivor last = WATCHED[--watched];
        last.at = survivor.at;
        WATCHED[survivor.at] = last;
        WATCHED[watched] = null;
        survivor.at = -1;
        WATCHED_OF_SLOT[survivor.slot]--;
        survivor.clear();
    }

    /**
     * A collection of the whole heap is over, and what it cleared is queued: the slots of the objects of which
     * it is known now whether they are gone, each times two, plus one where it was resurrected; 0 behind the last.
     * The agent's own thread only.
     *
     * @param age nanoseconds: it tells of references that were there so long ago
     * @param full whether the application stood still for it
     * @param leftRoom whether it has left room in the heap
     */
    static synchronized long[] collected(long age, boolean full, boolean leftRoom) {
        room = leftRoom;
        long told = System.nanoTime() - age;
        long[] known = new long[watched];
        int count = takeCleared(known);
        // From the last: a removal fills the gap with one that was looked at.
        for (int at = watched - 1; at >= 0; at--) {
            FinwatchSurvivor survivor = WATCHED[at];
            if (survivor.since - told < 0 && (++survivor.collections >= COLLECTIONS || full)) {
                remove(survivor);
                known[count++] = survivor.slot * 2L + 1;
            }
        }
        return known;
    }

    /** What {@link #collected} returns, of those that collections of whatever kind have cleared. */
    static synchronized long[] cleared() {
        long[] known = new long[watched];
        takeCleared(known);
        return known;
    }

    private static int takeCleared(long[] known) {
        int count = 0;
        for (Reference<?> dead = DEAD.poll(); dead != null; dead = DEAD.poll()) {
            FinwatchSurvivor survivor = (FinwatchSurvivor) dead;
            if (survivor.at >= 0) {
                remove(survivor);
                known[count++] = survivor.slot * 2L;
            }
        }
        return count;
    }

    /** The slot goes to another class. */
    static synchronized void forget(int slot) {
        for (int at = watched - 1; at >= 0; at--) {
            if (WATCHED[at].slot == slot) {
                remove(WATCHED[at]);
            }
        }
    }
}
