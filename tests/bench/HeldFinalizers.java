import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.util.Timer;
import java.util.TimerTask;

/**
 * Fills the heap with finalizable objects, each held by the cancelled task of a timer, and dumps it.
 *
 * <p>Usage: {@code HeldFinalizers COUNT FILE.hprof}.
 */
public final class HeldFinalizers {
    private static final Timer CANCEL_TIMER = new Timer("query-timeout", true);

    private HeldFinalizers() {}

    /** What a driver's statement comes down to. */
    private static final class Statement {
        private TimerTask cancelTask;
        private final byte[] row = new byte[36];
        private int rows;

        void execute() {
            cancelTask = new TimerTask() {
                @Override
                public void run() {
                    rows = -1;
                }
            };
            CANCEL_TIMER.schedule(cancelTask, 3000_000L);
            cancelTask.cancel();
            cancelTask = null;
        }

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            rows = 0;
        }
    }

    static void hold(int count) {
        // The timer's thread takes cancelled tasks out of the queue until it meets one that is not: it shall wait for this.
        CANCEL_TIMER.schedule(new TimerTask() {
            @Override
            public void run() {
                throw new IllegalStateException("the program is to end before");
            }
        }, 2_999_000L);
        for (int i = 0; i < count; i++) {
            new Statement().execute();
        }
    }

    /** The same objects, held by whoever calls. */
    static Object[] statements(int count) {
        Object[] statements = new Object[count];
        for (int i = 0; i < count; i++) {
            statements[i] = new Statement();
        }
        return statements;
    }

    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[0]);
        hold(count);
        HotSpotDiagnosticMXBean bean = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
        bean.dumpHeap(arguments[1], true);
        System.out.println("DONE: " + count + " statements held");
    }
}
