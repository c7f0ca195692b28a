package finwatch;

/**
 * Where objects are registered: the stacks of some registrations.
 *
 * <p>Called by the hook in {@code java.lang.ref}. Not in {@code java.base} itself: the VM warns of
 * an agent that registers a native method there.
 */
public final class Sites {
    private Sites() {}

    /**
     * Takes the stack of the current thread, which has registered an object of the class with that
     * slot. Nothing is allocated in the heap and nothing waits.
     *
     * @param objects how many it stands for: one in so many has its stack taken
     */
    public static native void take(int slot, int objects);
}
