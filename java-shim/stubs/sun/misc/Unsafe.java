package sun.misc;

import java.lang.reflect.Field;

/**
 * Compile-time stand-in with the methods that {@code sun.misc.Unsafe} of 8 and
 * {@code jdk.internal.misc.Unsafe} of 9 and later have in common.
 */
public final class Unsafe {
    private Unsafe() {}

    public static native Unsafe getUnsafe();

    public native long objectFieldOffset(Field field);

    public native long getLong(long address);

    public native void putLong(long address, long value);

    public native long getLong(Object object, long offset);

    public native long getAndAddLong(Object object, long offset, long delta);
}
