package incident;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.lang.reflect.Field;
import java.util.concurrent.locks.Lock;

/**
 * The thread Reference Handler waits for a lock that is never free; dead objects pile up although nobody holds them.
 *
 * <p>Modelled on cleaners of the JDK's own that wait inside {@code clean()}, which that thread runs itself. Here it is
 * made to wait for the lock of a reference queue, which wants {@code --add-opens=java.base/java.lang.ref=ALL-UNNAMED}.
 */
public final class StalledHandler {
    private static WeakReference<Object> bait;

    private StalledHandler() {
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
        ReferenceQueue<Object> queue = new ReferenceQueue<>();
        Thread holder = new Thread(() -> hold(queue), "holder of the queue");
        holder.setDaemon(true);
        holder.start();
        while (holder.getState() != Thread.State.TIMED_WAITING) {
            Thread.sleep(1);
        }
        bait = new WeakReference<>(new Object(), queue);
        System.gc();
        Pace.begin();
        Pace.perSecond(Integer.parseInt(arguments[0]), () -> {
            new Handle();
            Pace.garbage(8);
        });
    }

    /** Since JDK 21 it is a lock of {@code java.util.concurrent} in some releases. */
    private static void hold(ReferenceQueue<Object> queue) {
        try {
            Field field = ReferenceQueue.class.getDeclaredField("lock");
            field.setAccessible(true);
            Object lock = field.get(queue);
            if (lock instanceof Lock) {
                ((Lock) lock).lock();
                Thread.sleep(Integer.MAX_VALUE);
            }
            synchronized (lock) {
                Thread.sleep(Integer.MAX_VALUE);
            }
        } catch (Exception failure) {
            throw new IllegalStateException(failure);
        }
    }
}
