package finwatch;

import com.sun.management.GarbageCollectionNotificationInfo;
import com.sun.management.GcInfo;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Collection;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.Notification;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;

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
        return flat(text(data, "gcName"), text(data, "gcAction"), text(data, "gcCause"), (CompositeData) data.get("gcInfo"));
    }

    /**
     * Reads the open data as it is: {@code GarbageCollectionNotificationInfo.from} would compare all its types and
     * make objects of it first. The names are those of its documentation and of {@code GcInfoCompositeData}.
     */
    private static Object[] flat(String collector, String action, String cause, CompositeData gc) {
        TabularData before = (TabularData) gc.get("memoryUsageBeforeGc");
        TabularData after = (TabularData) gc.get("memoryUsageAfterGc");
        Collection<?> rows = before.values();
        String[] pools = new String[rows.size()];
        long[] used = new long[pools.length * 2];
        int pool = 0;
        for (Object row : rows) {
            pools[pool] = text((CompositeData) row, "key");
            used[2 * pool] = used((CompositeData) row);
            used[2 * pool + 1] = used(after.get(new Object[] {pools[pool]}));
            pool++;
        }
        long[] numbers = {number(gc, "id"), number(gc, "startTime"), number(gc, "duration")};
        return new Object[] {collector, action, cause, numbers, pools, used};
    }

    private static String text(CompositeData data, String name) {
        return (String) data.get(name);
    }

    private static long number(CompositeData data, String name) {
        return ((Number) data.get(name)).longValue();
    }

    private static long used(CompositeData row) {
        return row == null ? 0 : number((CompositeData) row.get("value"), "used");
    }
}
