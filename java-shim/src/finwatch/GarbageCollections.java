package finwatch;

import com.sun.management.GarbageCollectionNotificationInfo;
import com.sun.management.GcInfo;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.Notification;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import javax.management.openmbean.CompositeData;

/**
 * Keeps the VM's notification of each garbage collection until the agent's own thread
 * takes it.
 *
 * <p>The notifications come in the VM's notification thread (the service thread up to 13),
 * which is shared with the application's own listeners: here one is put into a bounded
 * queue and nothing else is done. Fails to initialize on a runtime without
 * {@code jdk.management}.
 */
final class GarbageCollections implements NotificationListener {
    private static final int MAX_WAITING = 1024;

    private static final GarbageCollections LISTENER = new GarbageCollections();

    static {
        try {
            // Initialized, it loads the native methods behind GcInfo.
            Class.forName("com.sun.management.internal.PlatformMBeanProviderImpl");
        } catch (ClassNotFoundException jdk8) {
            ManagementFactory.getGarbageCollectorMXBeans();
        }
    }

    private final ArrayBlockingQueue<CompositeData> waiting = new ArrayBlockingQueue<>(MAX_WAITING);
    private final AtomicLong lost = new AtomicLong();

    private GarbageCollections() {}

    /**
     * Listens to all collectors.
     *
     * @return what {@link #next} returns, for the last collection of each collector that
     *     had one before
     */
    static Object[][] listen() {
        GarbageCollectorMXBean[] beans = Management.collectorBeans();
        Object[][] last = new Object[beans.length][];
        for (int i = 0; i < beans.length; i++) {
            ((NotificationEmitter) beans[i]).addNotificationListener(LISTENER, null, null);
            GcInfo info = ((com.sun.management.GarbageCollectorMXBean) beans[i]).getLastGcInfo();
            last[i] = info == null ? null : flat(beans[i].getName(), null, null, info);
        }
        return last;
    }

    /** Undoes {@link #listen}. */
    static void ignore() throws Exception {
        for (GarbageCollectorMXBean bean : Management.collectorBeans()) {
            ((NotificationEmitter) bean).removeNotificationListener(LISTENER);
        }
        LISTENER.waiting.clear();
        LISTENER.lost.set(0);
    }

    @Override
    public void handleNotification(Notification notification, Object handback) {
        if (notification.getType().equals(GarbageCollectionNotificationInfo.GARBAGE_COLLECTION_NOTIFICATION)
                && !waiting.offer((CompositeData) notification.getUserData())) {
            lost.incrementAndGet();
        }
    }

    /** GarbageCollections that found the queue full, since the last call. */
    static long lost() {
        return LISTENER.lost.getAndSet(0);
    }

    /**
     * The next collection, or null: collector, action, cause, {@code long[]} {id, start,
     * duration in milliseconds}, names of pools, {@code long[]} {used before, after} each.
     */
    static Object[] next() {
        CompositeData data = LISTENER.waiting.poll();
        if (data == null) {
            return null;
        }
        GarbageCollectionNotificationInfo info = GarbageCollectionNotificationInfo.from(data);
        return flat(info.getGcName(), info.getGcAction(), info.getGcCause(), info.getGcInfo());
    }

    private static Object[] flat(String collector, String action, String cause, GcInfo info) {
        Map<String, MemoryUsage> before = info.getMemoryUsageBeforeGc();
        Map<String, MemoryUsage> after = info.getMemoryUsageAfterGc();
        String[] pools = before.keySet().toArray(new String[0]);
        long[] used = new long[pools.length * 2];
        for (int i = 0; i < pools.length; i++) {
            MemoryUsage left = after.get(pools[i]);
            used[2 * i] = before.get(pools[i]).getUsed();
            used[2 * i + 1] = left == null ? 0 : left.getUsed();
        }
        long[] numbers = {info.getId(), info.getStartTime(), info.getDuration()};
        return new Object[] {collector, action, cause, numbers, pools, used};
    }
}
