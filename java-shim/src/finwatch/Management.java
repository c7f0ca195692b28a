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
 * <p>Defined in the boot loader's unnamed module, which reads every module; a runtime
 * without {@code java.management} fails to initialize this class with a
 * {@code NoClassDefFoundError}. Called by the agent's own thread only. An absent number
 * (no limit, not collected) is negative.
 */
final class Management {
    private static final MemoryMXBean MEMORY = ManagementFactory.getMemoryMXBean();
    private static final RuntimeMXBean RUNTIME = ManagementFactory.getRuntimeMXBean();
    private static final List<MemoryPoolMXBean> POOLS = ManagementFactory.getMemoryPoolMXBeans();
    private static final List<GarbageCollectorMXBean> COLLECTORS = ManagementFactory.getGarbageCollectorMXBeans();
    private static final List<BufferPoolMXBean> BUFFERS = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class);

    private Management() {}

    /** Names of the memory pools, then of the buffer pools, then of the collectors. */
    static String[][] names() {
        String[] pools = new String[POOLS.size()];
        for (int i = 0; i < pools.length; i++) {
            pools[i] = POOLS.get(i).getName();
        }
        String[] buffers = new String[BUFFERS.size()];
        for (int i = 0; i < buffers.length; i++) {
            buffers[i] = BUFFERS.get(i).getName();
        }
        String[] collectors = new String[COLLECTORS.size()];
        for (int i = 0; i < collectors.length; i++) {
            collectors[i] = COLLECTORS.get(i).getName();
        }
        return new String[][] {pools, buffers, collectors};
    }

    /**
     * Milliseconds since the JVM started, and since it was ready. The second is what the
     * times of collections count from (HotSpot's {@code Management::timestamp}).
     */
    static long[] uptime() {
        return new long[] {RUNTIME.getUptime(), System.currentTimeMillis() - RUNTIME.getStartTime()};
    }

    /** Objects pending finalization; then used, committed, max of the heap and of the rest. */
    static long[] memory() {
        MemoryUsage heap = MEMORY.getHeapMemoryUsage();
        MemoryUsage nonHeap = MEMORY.getNonHeapMemoryUsage();
        return new long[] {
            MEMORY.getObjectPendingFinalizationCount(),
            heap.getUsed(), heap.getCommitted(), heap.getMax(),
            nonHeap.getUsed(), nonHeap.getCommitted(), nonHeap.getMax()
        };
    }

    /** For each pool: 1 if heap, used, committed, max, used after its last collection. */
    static long[] pools() {
        long[] values = new long[POOLS.size() * 5];
        int at = 0;
        for (int i = 0; i < POOLS.size(); i++) {
            MemoryPoolMXBean pool = POOLS.get(i);
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
        long[] values = new long[BUFFERS.size() * 2];
        int at = 0;
        for (int i = 0; i < BUFFERS.size(); i++) {
            BufferPoolMXBean pool = BUFFERS.get(i);
            values[at++] = pool.getCount();
            values[at++] = pool.getMemoryUsed();
        }
        return values;
    }

    /** For each collector: collections, milliseconds. */
    static long[] collectors() {
        long[] values = new long[COLLECTORS.size() * 2];
        int at = 0;
        for (int i = 0; i < COLLECTORS.size(); i++) {
            GarbageCollectorMXBean collector = COLLECTORS.get(i);
            values[at++] = collector.getCollectionCount();
            values[at++] = collector.getCollectionTime();
        }
        return values;
    }
}
