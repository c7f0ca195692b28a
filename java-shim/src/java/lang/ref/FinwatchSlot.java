package java.lang.ref;

import java.net.URL;
import java.security.CodeSource;
import java.util.Arrays;

/**
 * The slot of native counters that belongs to a class, and the table that finds it.
 *
 * <p>Readers take no lock: the table is open-addressed by the word that {@link FinwatchKlass}
 * has for a class, what they read of an entry is final, and who does not find one looks again
 * under the lock. Writers hold {@link #LOCK}; what they do under it is bounded and calls no code of the
 * application.
 *
 * <p>Classes are held weakly, so they unload as they would without us. A weak reference
 * is cleared before finalization: when the last that is left of a class are objects in
 * {@code Finalizer.queue}, they are counted in the entry that {@link #was} of their class, and
 * only a phantom reference tells when none of them can be seen again. Slot 0,
 * {@link #OTHER}, is shared by all that have no slot of their own; a class that began
 * there stays there, or its objects would be registered in one slot and finalized in
 * another.
 */
final class FinwatchSlot extends WeakReference<Class<?>> {
    /** The shared slot. */
    static final int OTHER = 0;

    /** Entries beyond this are not made: the classes share {@link #OTHER}. */
    private static final int MAX_ENTRIES = 1 << 16;

    /** So many classes are arranged anew with each that comes, more when the table grows. */
    private static final int FEW = 32;

    /** Bits of a word above these tell classes apart: none takes more of the class space than they can say. */
    private static final int MAX_SHIFT = 16;

    /** Classes that could get no entry because the heap or the stack was exhausted. */
    private static final int MAX_STICKY = 256;

    private static final Object LOCK = new Object();

    /** Where the collector puts {@link #gone} of the classes that are gone. */
    private static final ReferenceQueue<Object> UNLOADED = new ReferenceQueue<>();

    /** A power of two long, at most half full. */
    private static FinwatchSlot[] table = new FinwatchSlot[2 * FEW];

    /**
     * The {@link #key} of each entry in its place, or 0: no entry is touched but that of the class that is looked for.
     * While a concurrent collector marks, {@code get()} of another would keep that one's class, its loader and
     * everything of theirs. Nor may there be a check for null before the word is compared: the second compiler has a
     * load of the entry do that, of the referent if there is no other (block.cpp, implicit_null_check).
     */
    private static long[] keys = new long[2 * FEW];

    /**
     * Bits of a word that do not count in the search for a place. A reader that sees this, {@link #keys} and
     * {@link #table} of different times finds nothing, and looks again under {@link #LOCK}.
     */
    private static int shift;

    /**
     * The entry of the class that most registrations are of, tried before the table; or null.
     * Only where words tell classes apart.
     */
    private static FinwatchSlot busiest;

    /** Its key, or 0. A reader that sees the two of different times looks in the table. */
    private static long busiestKey;

    private static int entries;

    /** Entries that {@link #discovered} has not told yet. */
    private static int freshCount;

    /** Entries of classes that are {@link #unloaded}. */
    private static int unloadedCount;

    /** Slots handed out so far; those in {@link #free} included. */
    private static int used = OTHER + 1;

    /** Slots given back, a stack. */
    private static final int[] free = new int[FinwatchHook.SLOTS];

    private static int freeCount;

    /** Identity hashes of classes that share {@link #OTHER} without an entry. */
    private static final int[] sticky = new int[MAX_STICKY];

    private static int stickyCount;

    /** The number of the slot. */
    final int slot;

    /** The word of the class. */
    private final int word;

    /** Word and slot in one, so that the address of the counter waits for one load less. */
    private final long key;

    /** Identity hash of the class. */
    private final int hash;

    /** Binary name of the class; it outlives the class, to name its last counts. */
    final String name;

    /** Binary name of the class of the defining loader; null for the bootstrap loader. */
    final String loader;

    /** Identity hash of the defining loader. */
    final int loaderHash;

    /** Enqueued when neither the class nor an object of it can be seen again. */
    private final PhantomReference<Class<?>> gone;

    /** Not yet told by {@link #discovered}; under {@link #LOCK}. */
    private boolean fresh = true;

    /** Neither the class nor an object of it can be seen again; under {@link #LOCK}. */
    private boolean unloaded;

    private FinwatchSlot(Class<?> type, int word, int slot) {
        super(type);
        this.gone = new PhantomReference<Class<?>>(type, UNLOADED);
        this.slot = slot;
        this.word = word;
        this.key = (long) word << 32 | slot;
        this.hash = System.identityHashCode(type);
        this.name = type.getName();
        ClassLoader definer = type.getClassLoader();
        this.loader = definer == null ? null : definer.getClass().getName();
        this.loaderHash = System.identityHashCode(definer);
    }

    /**
     * The slot of an object's class, which gets one if it has none. Any thread.
     *
     * <p>No two classes that are loaded have the same word, and a class that an entry still
     * holds is loaded: there is no need to go and look whether it is the object's, through its
     * header and two more loads.
     */
    static int find(Object object) {
        int word = FinwatchKlass.word(object);
        long key = busiestKey;
        FinwatchSlot entry = busiest;
        if ((int) (key >>> 32) == word && entry != null && entry.key == key && entry.get() != null) {
            return (int) key;
        }
        long[] keys = FinwatchSlot.keys;
        int at = place(word, shift, keys);
        key = keys[at];
        if ((int) (key >>> 32) == word && FinwatchKlass.UNIQUE) {
            entry = at(at, key);
            if (entry != null && entry.get() != null) {
                return (int) key;
            }
        }
        return probe(object.getClass(), word);
    }

    /** The entry in a place, or null where it has another key, in a table of another time. */
    private static FinwatchSlot at(int at, long key) {
        FinwatchSlot[] table = FinwatchSlot.table;
        FinwatchSlot entry = at < table.length ? table[at] : null;
        return entry != null && entry.key == key ? entry : null;
    }

    private static int probe(Class<?> type, int word) {
        FinwatchSlot entry = lookUp(type, word);
        return entry != null ? entry.slot : discover(type, word);
    }

    private static FinwatchSlot lookUp(Class<?> type, int word) {
        long[] keys = FinwatchSlot.keys;
        int mask = keys.length - 1;
        int at = place(word, shift, keys);
        for (long key = keys[at]; key != 0; key = keys[at]) {
            FinwatchSlot entry = (int) (key >>> 32) == word ? at(at, key) : null;
            if (entry != null) {
                Class<?> held = entry.get();
                if (held == type || held == null && entry.was(type)) {
                    return entry;
                }
            }
            at = (at + 1) & mask;
        }
        return null;
    }

    /** Where the search for an entry begins. */
    private static int place(int word, int shift, long[] keys) {
        return word >>> shift & keys.length - 1;
    }

    /**
     * Whether this is the entry of a class whose weak reference has been cleared. That it
     * is another class of the same name would take two equal pairs of identity hashes.
     */
    private boolean was(Class<?> type) {
        return hash == System.identityHashCode(type) && name.equals(type.getName())
                && loaderHash == System.identityHashCode(type.getClassLoader());
    }

    private static int discover(Class<?> type, int word) {
        int hash = System.identityHashCode(type);
        synchronized (LOCK) {
            FinwatchSlot entry = lookUp(type, word);
            if (entry != null) {
                return entry.slot;
            }
            if (entries >= MAX_ENTRIES || stickyCount >= MAX_STICKY || isSticky(hash)) {
                return OTHER;
            }
            try {
                return insert(type, word);
            } catch (Throwable exhausted) {
                sticky[stickyCount++] = hash;
                return OTHER;
            }
        }
    }

    private static boolean isSticky(int hash) {
        for (int i = 0; i < stickyCount; i++) {
            if (sticky[i] == hash) {
                return true;
            }
        }
        return false;
    }

    /** Makes everything that can fail to be made before anything is changed. */
    private static int insert(Class<?> type, int word) {
        int slot = freeCount > 0 ? free[freeCount - 1] : used < FinwatchHook.SLOTS ? used : OTHER;
        FinwatchSlot entry = new FinwatchSlot(type, word, slot);
        FinwatchSlot[] table = FinwatchSlot.table;
        long[] keys = FinwatchSlot.keys;
        int shift = FinwatchSlot.shift;
        boolean full = (entries + 1) * 2 > table.length;
        if (full || entries < FEW) {
            int length = full ? table.length * 2 : table.length;
            table = new FinwatchSlot[length];
            keys = new long[length];
            shift = bestShift(keys, entry);
            fill(table, keys, shift);
        }
        place(entry, shift, table, keys);
        FinwatchSlot.shift = shift;
        FinwatchSlot.keys = keys;
        FinwatchSlot.table = table;
        entries++;
        freshCount++;
        if (busiest == null && FinwatchKlass.UNIQUE && slot != OTHER && entry.loader != null) {
            // The program's first, until the agent knows better.
            setBusiest(entry);
        }
        if (slot != OTHER) {
            if (freeCount > 0) {
                freeCount--;
            } else {
                used++;
            }
        }
        return slot;
    }

    /**
     * The shift by which the fewest entries meet another where the search for them begins: what stands elsewhere costs
     * each registration a branch that the processor foresaw wrongly. Classes that were loaded after each other have
     * words at one distance, so that some shift gives nearly each of them a place of its own.
     *
     * @param to as long as the table will be; what it holds afterwards means nothing
     */
    private static int bestShift(long[] to, FinwatchSlot coming) {
        int best = 0;
        int fewest = Integer.MAX_VALUE;
        for (int shift = 0; shift < MAX_SHIFT && fewest > 0; shift++) {
            int meetings = meetings(shift, to, coming);
            if (meetings < fewest) {
                fewest = meetings;
                best = shift;
            }
        }
        return best;
    }

    private static int meetings(int shift, long[] to, FinwatchSlot coming) {
        Arrays.fill(to, 0);
        to[place(coming.word, shift, to)] = coming.key;
        int meetings = 0;
        for (FinwatchSlot entry : table) {
            if (entry != null) {
                int at = place(entry.word, shift, to);
                if (to[at] != 0) {
                    meetings++;
                }
                to[at] = entry.key;
            }
        }
        return meetings;
    }

    /** Puts all entries into another table, which is empty. */
    private static void fill(FinwatchSlot[] to, long[] keys, int shift) {
        Arrays.fill(keys, 0);
        for (FinwatchSlot entry : table) {
            if (entry != null) {
                place(entry, shift, to, keys);
            }
        }
    }

    private static void place(FinwatchSlot entry, int shift, FinwatchSlot[] table, long[] keys) {
        int mask = keys.length - 1;
        int at = place(entry.word, shift, keys);
        while (keys[at] != 0) {
            at = (at + 1) & mask;
        }
        table[at] = entry;
        keys[at] = entry.key;
    }

    /**
     * The classes that got an entry since the last call, or null: {@code long[]} {slot,
     * identity hash of the loader} each, {@code String[]} names, classes of loaders, and
     * code sources. Where the heap has no room for that, they are told by the next call. The
     * agent's own thread only.
     */
    static Object[] discovered() {
        FinwatchHook.settle();
        FinwatchSlot[] fresh = fresh();
        if (fresh == null) {
            return null;
        }
        long[] numbers = new long[fresh.length * 2];
        String[] names = new String[fresh.length];
        String[] loaders = new String[fresh.length];
        String[] sources = new String[fresh.length];
        for (int i = 0; i < fresh.length; i++) {
            numbers[2 * i] = fresh[i].slot;
            numbers[2 * i + 1] = fresh[i].loaderHash;
            names[i] = fresh[i].name;
            loaders[i] = fresh[i].loader;
            sources[i] = source(fresh[i].get());
        }
        Object[] answer = {numbers, names, loaders, sources};
        told(fresh);
        return answer;
    }

    /** Slots above this have never counted anything. */
    static int used() {
        synchronized (LOCK) {
            return used;
        }
    }

    /** Has {@link #discovered} tell everything again, to an agent that is attached again. */
    static void tellAgain() {
        synchronized (LOCK) {
            for (FinwatchSlot entry : table) {
                if (entry != null) {
                    entry.fresh = true;
                }
            }
            freshCount = entries;
        }
    }

    private static FinwatchSlot[] fresh() {
        synchronized (LOCK) {
            if (freshCount == 0) {
                return null;
            }
            FinwatchSlot[] fresh = new FinwatchSlot[freshCount];
            int at = 0;
            for (FinwatchSlot entry : table) {
                if (entry != null && entry.fresh) {
                    fresh[at++] = entry;
                }
            }
            return fresh;
        }
    }

    private static void told(FinwatchSlot[] entries) {
        synchronized (LOCK) {
            for (FinwatchSlot entry : entries) {
                noLongerFresh(entry);
            }
        }
    }

    /** Under {@link #LOCK}. */
    private static void noLongerFresh(FinwatchSlot entry) {
        if (entry.fresh) {
            entry.fresh = false;
            freshCount--;
        }
    }

    /**
     * Where the class was loaded from, or null. Calls no code of the application: a
     * CodeSource of its own or an exotic URL is not asked.
     */
    private static String source(Class<?> type) {
        try {
            CodeSource source = type == null ? null : type.getProtectionDomain().getCodeSource();
            if (source == null || source.getClass() != CodeSource.class || source.getLocation() == null) {
                return null;
            }
            URL location = source.getLocation();
            return location.getProtocol() + ":" + location.getFile();
        } catch (Throwable noSourceThen) {
            return null;
        }
    }

    /**
     * Slots of unloaded classes that wait for {@link #release}, or null. An entry without a slot of its own is forgotten
     * at once. Where the heap has no room for the answer, the next call gives it. The agent's own thread only.
     */
    static long[] unloaded() {
        for (Reference<?> gone = UNLOADED.poll(); gone != null; gone = UNLOADED.poll()) {
            // By its specification JDK 8 leaves that to us, and the class loaded until it is done. Newer builds
            // of it do not.
            gone.clear();
            end(gone);
        }
        synchronized (LOCK) {
            if (unloadedCount == 0) {
                return null;
            }
            long[] slots = new long[unloadedCount];
            int at = 0;
            for (FinwatchSlot entry : table) {
                if (entry != null && entry.unloaded) {
                    slots[at++] = entry.slot;
                }
            }
            return slots;
        }
    }

    private static void end(Reference<?> gone) {
        synchronized (LOCK) {
            FinwatchSlot entry = entryOf(gone);
            if (entry == null) {
                return;
            }
            if (entry.slot == OTHER) {
                forget(entry);
            } else {
                entry.unloaded = true;
                unloadedCount++;
            }
        }
    }

    /** Under {@link #LOCK}. */
    private static FinwatchSlot entryOf(Reference<?> gone) {
        for (FinwatchSlot entry : table) {
            if (entry != null && entry.gone == gone) {
                return entry;
            }
        }
        return null;
    }

    /**
     * Gives the slot of an unloaded class to the next class that comes. The agent has
     * reported its counters and set them to zero. The agent's own thread only.
     */
    static void release(int slot) {
        synchronized (LOCK) {
            FinwatchSlot entry = entryOf(slot);
            if (entry != null) {
                forget(entry);
                free[freeCount++] = slot;
            }
        }
        FinwatchSurvivor.forget(slot);
    }

    /** The class of a slot; null where it is unloaded or has none of its own. */
    static Class<?> type(int slot) {
        synchronized (LOCK) {
            FinwatchSlot entry = entryOf(slot);
            return entry == null ? null : entry.get();
        }
    }

    /**
     * Has the class of a slot tried before the table: two loads less, of which the processor
     * has to wait for one. The agent's own thread only.
     */
    static void setBusiest(int slot) {
        synchronized (LOCK) {
            setBusiest(FinwatchKlass.UNIQUE ? entryOf(slot) : null);
        }
    }

    /** Under {@link #LOCK}. */
    private static void setBusiest(FinwatchSlot entry) {
        busiest = entry;
        busiestKey = entry == null ? 0 : entry.key;
    }

    /** Under {@link #LOCK}. Null for {@link #OTHER}, which is no class's own. */
    private static FinwatchSlot entryOf(int slot) {
        for (FinwatchSlot entry : table) {
            if (entry != null && entry.slot == slot && slot != OTHER) {
                return entry;
            }
        }
        return null;
    }

    /** Under {@link #LOCK}. Allocates nothing. A reader that misses another entry meanwhile looks again under it. */
    private static void forget(FinwatchSlot entry) {
        if (busiest == entry) {
            setBusiest(null);
        }
        int mask = table.length - 1;
        int at = place(entry.word, shift, keys);
        while (table[at] != entry) {
            at = (at + 1) & mask;
        }
        empty(at);
        // Those behind it may have found their places taken.
        for (at = (at + 1) & mask; table[at] != null; at = (at + 1) & mask) {
            FinwatchSlot next = table[at];
            empty(at);
            place(next, shift, table, keys);
        }
        entries--;
        noLongerFresh(entry);
        if (entry.unloaded) {
            unloadedCount--;
        }
    }

    private static void empty(int at) {
        keys[at] = 0;
        table[at] = null;
    }

    /**
     * Makes the VM resolve what a first registration, perhaps at the edge of the stack or
     * with the heap full, must not have to. A class that is null fails to get an entry and
     * leaves a hash behind that no class has.
     *
     * @return the slot in which one registration was counted that never was
     */
    static int prepare() {
        discover(null, 0);
        int slot = find(LOCK);
        FinwatchHook.registered(LOCK);
        FinwatchSurvivor.forget(slot);
        FinwatchHook.prepare();
        FinwatchHook.link();
        return slot;
    }
}
