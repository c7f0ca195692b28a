package sun.misc;

/** Compile-time stand-in: the shim is compiled where the JDK's own is not exported. */
public interface JavaLangAccess {
    void invokeFinalize(Object object) throws Throwable;
}
