package sun.misc;

/** For the compiler alone; the real one is the JDK's. */
public class VM {
    public static void addFinalRefCount(int n) {}
}
