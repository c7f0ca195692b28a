import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;

/**
 * Fills the heap with what a program has that leaks nothing: maps of strings, lists, linked lists, arrays, and a
 * finalizable object here and there. Dumps it.
 *
 * <p>Usage: {@code MixedHeap COUNT FILE.hprof}.
 */
public final class MixedHeap {
    private static final Map<Integer, List<Object>> ROOMS = new HashMap<>();

    private MixedHeap() {}

    private static final class Resource {
        private final byte[] buffer = new byte[64];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            buffer[0] = 1;
        }
    }

    private static Object thing(int number) {
        switch (number % 5) {
            case 0: return "thing " + number;
            case 1: return new int[number % 50];
            case 2: return new LinkedList<>(java.util.Arrays.asList(number, number + 1, number + 2));
            case 3: return new HashMap<>(java.util.Collections.singletonMap("number " + number, number));
            default: return number % 500 == 4 ? new Resource() : new long[] {number};
        }
    }

    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[0]);
        for (int i = 0; i < count; i++) {
            ROOMS.computeIfAbsent(i / 100, room -> new ArrayList<>()).add(thing(i));
        }
        HotSpotDiagnosticMXBean bean = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
        bean.dumpHeap(arguments[1], true);
        System.out.println("DONE: " + count + " things");
    }
}
