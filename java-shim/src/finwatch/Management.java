package finwatch;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.lang.management.RuntimeMXBean;
import java.util.List;

/**
 * Reads {@code java.lang.management} into flat arrays, so that the agent crosses JNI a few
 * times a sample and not hundreds of times.
 *
 * <p>Defined in the boot loader's unnamed module, which reads every module; in a runtime
 * without {@code java.management} no beans are found, with a {@code NoClassDefFoundError}.
 * Called by the agent's own thread only. An absent number (no limit, not collected) is
 * negative.
 */
final class Management {
    private static MemoryMXBean memory;
    private static RuntimeMXBean runtime;
    private static List<MemoryPoolMXBean> pools;
    private static List<GarbageCollectorMXBean> collectors;
    private static List<BufferPoolMXBean> buffers;

    private Management() {}

    /** The beans to read, as {@code sun.management.ManagementFactoryHelper} has them. */
    static void use(
            MemoryMXBean memory,
            RuntimeMXBean runtime,
            List<MemoryPoolMXBean> pools,
            List<GarbageCollectorMXBean> collectors,
            List<BufferPoolMXBean> buffers) {
        Management.memory = memory;
        Management.runtime = runtime;
        Management.pools = pools;
        Management.collectors = collectors;
        Management.buffers = buffers;
    }

    /** The same by the public way, which costs three times as much: it looks in all modules. */
    static void find() {
        use(
                ManagementFactory.getMemoryMXBean(),
                ManagementFactory.getRuntimeMXBean(),
                ManagementFactory.getMemoryPoolMXBeans(),
                ManagementFactory.getGarbageCollectorMXBeans(),
                ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class));
    }

    /** The collectors' beans. */
    static GarbageCollectorMXBean[] collectorBeans() {
        return collectors.toArray(new GarbageCollectorMXBean[0]);
    }

    /** Names of the memory pools, then of the buffer pools, then of the collectors. */
    static String[][] names() {
        String[] poolNames = new String[pools.size()];
        for (int i = 0; i < poolNames.length; i++) {
            poolNames[i] = pools.get(i).getName();
        }
        String[] bufferNames = new String[buffers.size()];
        for (int i = 0; i < bufferNames.length; i++) {
            bufferNames[i] = buffers.get(i).getName();
        }
        String[] collectorNames = new String[collectors.size()];
        for (int i = 0; i < collectorNames.length; i++) {
            collectorNames[i] = collectors.get(i).getName();
        }
        return new String[][] {poolNames, bufferNames, collectorNames};
    }

    /**
     * Milliseconds since the JVM started, and since it was ready. The second is what the
     * times of collections count from (HotSpot's {@code Management::timestamp}).
     */
    static long[] uptime() {
        return new long[] {runtime.getUptime(), System.currentTimeMillis() - runtime.getStartTime()};
    }

    /** Objects pending finalization; then used, committed, max of the heap and of the rest. */
    static long[] memory() {
        MemoryUsage heap = memory.getHeapMemoryUsage();
        MemoryUsage nonHeap = memory.getNonHeapMemoryUsage();
        return new long[] {
            memory.getObjectPendingFinalizationCount(),
            heap.getUsed(), heap.getCommitted(), heap.getMax(),
            nonHeap.getUsed(), nonHeap.getCommitted(), nonHeap.getMax()
        };
    }

    /** For each pool: 1 if heap, used, committed, max, used after its last collection. */
    static long[] pools() {
        long[] values = new long[pools.size() * 5];
        int at = 0;
        for (int i = 0; i < pools.size(); i++) {
            MemoryPoolMXBean pool = pools.get(i);
            MemoryUsage usage = pool.getUsage();
            MemoryUsage afterCollection = pool.getCollectionUsage();
            values[at++] = pool.getType() == MemoryType.HEAP ? 1 : 0;
            values[at++] = usage == null ? 0 : usage.getUsed();
            values[at++] = usage == null ? 0 : usage.getCommitted();
            values[at++] = usage == null ? -1 : usage.getMax();
            values[at++] = afterCollection == null ? -1 : afterCollection.getUsed();
        }
        return values;
    }

    /** For each buffer pool: buffers, memory used. */
    static long[] buffers() {
        long[] values = new long[buffers.size() * 2];
        int at = 0;
        for (int i = 0; i < buffers.size(); i++) {
            BufferPoolMXBean pool = buffers.get(i);
            values[at++] = pool.getCount();
            values[at++] = pool.getMemoryUsed();
        }
        return values;
    }

    /** For each collector: collections, milliseconds. */
    static long[] collectors() {
        long[] values = new long[collectors.size() * 2];
        int at = 0;
        for (int i = 0; i < collectors.size(); i++) {
            GarbageCollectorMXBean collector = collectors.get(i);
            values[at++] = collector.getCollectionCount();
            values[at++] = collector.getCollectionTime();
        }
        return values;
    }
}
