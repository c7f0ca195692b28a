package java.lang.ref;

import sun.misc.Unsafe;

/**
 * Tells the class of an object by the word in its header that the VM itself tells it by: the
 * number of the class in the compressed class space.
 *
 * <p>The object's Class, and the identity hash of that, lie behind three loads, each from memory
 * that nothing else touches while objects are made: with a thousand classes in turn they cost a
 * quarter of a registration. The word lies in the object that is at hand.
 *
 * <p>What is relied on, and tried out before it is: all objects of a class have the same word
 * at all times, those of another class that is loaded have another. The word of a class that was
 * unloaded may come back as that of another class, but not before the weak references to the
 * first are cleared: the collector does that first, then it frees the metadata.
 */
final class FinwatchKlass {
    private static final Unsafe UNSAFE = Unsafe.getUnsafe();

    /** Without compact headers the word follows the mark word, and the first field follows it. */
    private static final long AFTER_MARK = 8;

    /** With compact headers (JEP 450) it is the upper 22 bits of the mark word: of this half, and shifted. */
    private static final long IN_MARK = 4;

    private static final int IN_MARK_SHIFT = 10;

    /**
     * Where the word is. Not final: the second compiler makes no intrinsic of an access to the
     * header at an offset that it knows (library_call.cpp, inline_unsafe_access).
     */
    private static long offset;

    /** Bits below those of the class. */
    private static int shift;

    /**
     * Whether words are as described. Else, on a VM that was told to use uncompressed class
     * pointers or has headers that are not known, they are identity hashes of Classes.
     */
    static final boolean UNIQUE = find();

    /** The first field there can be: tells where headers end. */
    private int first;

    private FinwatchKlass() {}

    /** The word for an object's class. Any thread; allocates nothing. */
    static int word(Object object) {
        return UNIQUE ? read(object) : System.identityHashCode(object.getClass());
    }

    private static boolean find() {
        try {
            long headerEnd = UNSAFE.objectFieldOffset(FinwatchKlass.class.getDeclaredField("first"));
            if (headerEnd == AFTER_MARK + 4) {
                offset = AFTER_MARK;
            } else if (headerEnd == AFTER_MARK) {
                offset = IN_MARK;
                shift = IN_MARK_SHIFT;
            } else {
                return false;
            }
            return isOfTheClass();
        } catch (Throwable unknownJdk) {
            return false;
        }
    }

    /** Whether the word stays the same whatever happens to an object, and tells classes apart. */
    private static boolean isOfTheClass() {
        FinwatchKlass object = new FinwatchKlass();
        int fresh = read(object);
        System.identityHashCode(object);
        int hashed = read(object);
        int locked;
        synchronized (object) {
            locked = read(object);
        }
        return fresh == hashed && fresh == locked && fresh == read(new FinwatchKlass())
                && fresh != read(UNSAFE) && fresh != read("");
    }

    private static int read(Object object) {
        return UNSAFE.getInt(object, offset) >>> shift;
    }
}
