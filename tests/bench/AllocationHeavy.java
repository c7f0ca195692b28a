import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;

/**
 * A program that allocates much and finalizes nothing: counts made-up words in a map, over and over.
 *
 * <p>Arguments: {@code WORDS REPETITIONS [listen]}; the last has it listen to its collections, as agents do. Reports
 * {@code cpu_ms} (all threads of the JVM, the collector's included) and {@code elapsed_ms} of a repetition.
 */
public final class AllocationHeavy {
    private static long checksum;
    private static volatile Object lastTold;

    private AllocationHeavy() {}

    public static void main(String[] args) throws Exception {
        int words = Integer.parseInt(args[0]);
        double[] cpu = new double[Integer.parseInt(args[1])];
        double[] elapsed = new double[cpu.length];
        if (args.length > 2) {
            listen();
        }
        for (int r = 0; r < cpu.length; r++) {
            long cpuBefore = CpuClock.processNanos();
            long start = System.nanoTime();
            checksum += countWords(words);
            elapsed[r] = (System.nanoTime() - start) / 1e6;
            cpu[r] = (CpuClock.processNanos() - cpuBefore) / 1e6;
        }
        Report.repetitions("cpu_ms", cpu);
        Report.repetitions("elapsed_ms", elapsed);
        System.out.println("checksum " + checksum);
    }

    /** Takes from what the JVM tells of a collection no more than where it is. */
    private static void listen() {
        for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            NotificationListener listener = (told, handback) -> lastTold = told.getUserData();
            ((NotificationEmitter) collector).addNotificationListener(listener, null, null);
        }
    }

    /** Each word is a new string in a new array of characters; a map of 10,000 entries stays, the rest is garbage. */
    private static long countWords(int words) {
        Map<String, Integer> counts = new HashMap<>();
        int seed = 42;
        for (int i = 0; i < words; i++) {
            seed = seed * 1_103_515_245 + 12_345;
            String word = "word-" + ((seed >>> 8) % 10_000);
            counts.merge(word.toUpperCase(java.util.Locale.ROOT), 1, Integer::sum);
        }
        return counts.hashCode();
    }
}
