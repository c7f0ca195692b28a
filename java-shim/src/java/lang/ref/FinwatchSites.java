package java.lang.ref;

/**
 * Where objects are registered: the stacks of some registrations.
 *
 * <p>A thread whose registration was chosen by {@link FinwatchHook#registered} takes its own stack,
 * in native code: nothing is allocated in the heap and nothing waits.
 */
final class FinwatchSites {
    /** Found by its name in the agent's library, as the VM looks for native methods of the boot loader there, too. */
    private static boolean linked;

    /** Whether stacks are taken. Set by the agent's own thread; a thread that sees it late takes one more, or one less. */
    private static boolean on;

    private FinwatchSites() {}

    /** In the thread that registers, any; whatever this throws ends in the caller. */
    static void sample(int slot) {
        if (on) {
            take(slot);
        }
    }

    /** Has the VM find the native method, which must not be left to a registration. */
    static void link() {
        try {
            take(FinwatchHook.NOTHING);
            linked = true;
        } catch (Throwable notFound) {
            // No stacks then.
        }
    }

    static void set(boolean on) {
        FinwatchSites.on = on && linked;
    }

    private static native void take(int slot);
}
