package sun.misc;

/** Compile-time stand-in: the shim is compiled where the JDK's own is not exported. */
public final class VM {
    private VM() {}

    public static native void addFinalRefCount(int n);
}
