package sun.misc;

import java.lang.reflect.Field;

/**
 * Compile-time stand-in with the methods that {@code sun.misc.Unsafe} of 8 and
 * {@code jdk.internal.misc.Unsafe} of 9 and later have in common, but for two.
 */
public final class Unsafe {
    private Unsafe() {}

    public static native Unsafe getUnsafe();

    public native long objectFieldOffset(Field field);

    public native long getLong(long address);

    public native void putLong(long address, long value);

    public native long staticFieldOffset(Field field);

    public native Object staticFieldBase(Field field);

    /** Up to JDK 11. */
    public native Object getObject(Object object, long offset);

    /** From JDK 12 on. */
    public native Object getReference(Object object, long offset);

    public native int getInt(Object object, long offset);

    public native long getLong(Object object, long offset);

    public native long getAndAddLong(Object object, long offset, long delta);
}
