package java.lang.ref;

/**
 * Makes the calls that were redirected here, and counts those that concern the probe's objects.
 * Stands in for the shim, so that the rewritten classes are tested alone.
 */
public final class FinwatchHook {
    private static final int PROBE = 42;

    /** Of the registrations that get so far one in so many finds no stack for the call. */
    private static final int UNCALLED_ONE_IN = 5;

    static final int[] UNCALLED = new int[PROBE + 1];
    static volatile boolean uncalled;

    private static int calls;
    private static int entered;
    private static int registered;
    private static int enqueued;
    private static int finalized;
    private static int threw;

    private FinwatchHook() {}

    static synchronized int enter(Object object) {
        if (!isProbe(object)) {
            return -1;
        }
        entered++;
        return PROBE;
    }

    static synchronized void registered(int answer) {
        if (answer == PROBE && ++calls % UNCALLED_ONE_IN == 0) {
            throw new StackOverflowError();
        }
        if (answer == PROBE) {
            registered++;
        }
    }

    static void enqueued(Reference<?> reference) {
        sun.misc.VM.addFinalRefCount(1);
        synchronized (FinwatchHook.class) {
            if (isProbe(reference.get())) {
                enqueued++;
            }
        }
    }

    static void invokeFinalize(sun.misc.JavaLangAccess access, Object object) throws Throwable {
        try {
            access.invokeFinalize(object);
            count(object, true);
        } catch (Throwable thrown) {
            count(object, false);
            throw thrown;
        }
    }

    private static synchronized void count(Object object, boolean well) {
        if (isProbe(object) && well) {
            finalized++;
        } else if (isProbe(object)) {
            threw++;
        }
    }

    private static boolean isProbe(Object object) {
        return object != null && object.getClass().getName().equals("Probe$Finalizable");
    }

    public static synchronized String counts() {
        return "entered=" + entered + " registered=" + registered + " uncalled="
                + (uncalled ? UNCALLED[PROBE] : 0) + " enqueued=" + enqueued + " finalized="
                + finalized + " threw=" + threw;
    }
}
