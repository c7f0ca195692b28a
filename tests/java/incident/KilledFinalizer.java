package incident;

import java.lang.ref.ReferenceQueue;
import java.lang.reflect.Field;

/**
 * An error has ended the finalizer thread; the JVM goes on without one.
 *
 * <p>Modelled on JDK-7038914 and its kin, where an {@code OutOfMemoryError} thrown outside of the JDK's own
 * {@code try} ends a thread of {@code java.lang.ref}. Here the thread is made to find no queue, which
 * wants {@code --add-opens=java.base/java.lang.ref=ALL-UNNAMED}.
 */
public final class KilledFinalizer {
    private KilledFinalizer() {
    }

    static final class Handle {
        private final byte[] bytes = new byte[600];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            bytes[0] = 1;
        }
    }

    public static void main(String[] arguments) throws Exception {
        kill(finalizerThread());
        Pace.begin();
        Pace.perSecond(Integer.parseInt(arguments[0]), () -> {
            new Handle();
            Pace.garbage(8);
        });
    }

    private static void kill(Thread finalizer) throws Exception {
        Field queue = Class.forName("java.lang.ref.Finalizer").getDeclaredField("queue");
        queue.setAccessible(true);
        ReferenceQueue<?> before = (ReferenceQueue<?>) queue.get(null);
        queue.set(null, null);
        while (finalizer.isAlive()) {
            finalizer.interrupt();
            finalizer.join(10);
        }
        queue.set(null, before);
    }

    private static Thread finalizerThread() {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals("Finalizer")) {
                return thread;
            }
        }
        throw new IllegalStateException("no finalizer thread");
    }
}
