package subject;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryUsage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Commands that tell what the platform's beans say, as the program sees it. */
final class Beans {
    private static final List<ByteBuffer> BUFFERS = new ArrayList<>();

    private Beans() {
    }

    static void commands(Map<String, Driver.Command> commands) {
        commands.put("beans", a -> beans());
        commands.put("buffers", a -> allocate(Integer.parseInt(a[0]), Integer.parseInt(a[1])));
    }

    static Json pending() {
        return new Json().with("pending", ManagementFactory.getMemoryMXBean().getObjectPendingFinalizationCount());
    }

    static Json collectors() {
        List<Json> all = new ArrayList<>();
        for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
            all.add(new Json().with("name", bean.getName())
                    .with("collections", bean.getCollectionCount()).with("time_ms", bean.getCollectionTime()));
        }
        return new Json().with("collectors", all);
    }

    private static Json usage(MemoryUsage usage) {
        return new Json().with("used", usage.getUsed()).with("committed", usage.getCommitted()).with("max", usage.getMax());
    }

    private static Json beans() {
        List<Json> pools = new ArrayList<>();
        for (MemoryPoolMXBean bean : ManagementFactory.getMemoryPoolMXBeans()) {
            MemoryUsage after = bean.getCollectionUsage();
            pools.add(new Json().with("name", bean.getName()).with("kind", bean.getType().name())
                    .with("usage", usage(bean.getUsage()))
                    .with("after_gc", after == null ? -1 : after.getUsed()));
        }
        List<Json> buffers = new ArrayList<>();
        for (BufferPoolMXBean bean : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
            buffers.add(new Json().with("name", bean.getName()).with("count", bean.getCount()).with("used", bean.getMemoryUsed()));
        }
        return collectors().with("pools", pools).with("buffers", buffers)
                .with("heap", usage(ManagementFactory.getMemoryMXBean().getHeapMemoryUsage()))
                .with("non_heap", usage(ManagementFactory.getMemoryMXBean().getNonHeapMemoryUsage()))
                .with("pending", ManagementFactory.getMemoryMXBean().getObjectPendingFinalizationCount())
                .with("uptime_ms", ManagementFactory.getRuntimeMXBean().getUptime());
    }

    private static Json allocate(int count, int bytes) {
        for (int i = 0; i < count; i++) {
            BUFFERS.add(ByteBuffer.allocateDirect(bytes));
        }
        return beans();
    }
}
