package sun.misc;

/** For the compiler alone; the real one is the JDK's. */
public interface JavaLangAccess {
    void invokeFinalize(Object object) throws Throwable;
}
