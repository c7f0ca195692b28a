package java.lang.ref;

/**
 * Makes the calls that were redirected here, and counts those that concern the probe's objects.
 * Stands in for the shim, so that the rewritten classes are tested alone.
 */
public final class FinwatchHook {
    /** Of the registrations that get so far one in so many finds no stack for the call. */
    private static final int UNCALLED_ONE_IN = 5;

    /** Of fewer than there will be. */
    static final Reference<?>[] UNCALLED = new Reference<?>[128];
    static volatile int uncalled;

    private static int calls;
    private static int registered;
    private static int enqueued;
    private static int finalized;
    private static int threw;

    private FinwatchHook() {}

    static synchronized void registered(Object object) {
        if (isProbe(object) && ++calls % UNCALLED_ONE_IN == 0) {
            throw new StackOverflowError();
        }
        if (isProbe(object)) {
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
        return "registered=" + registered + " uncalled=" + uncalled + " kept=" + kept()
                + " enqueued=" + enqueued + " finalized=" + finalized + " threw=" + threw;
    }

    private static int kept() {
        int kept = 0;
        for (Reference<?> reference : UNCALLED) {
            if (reference != null && reference.getClass().getName().equals("java.lang.ref.Finalizer")) {
                kept++;
            }
        }
        return kept;
    }
}
