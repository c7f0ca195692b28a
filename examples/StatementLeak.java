import java.lang.management.ManagementFactory;
import java.util.Timer;
import java.util.TimerTask;

/**
 * Models the leak of a JDBC driver that guards its statements with a query timeout.
 *
 * <p>Every {@link Statement} has a {@code finalize()}, so the VM registers it. {@link Statement#execute} schedules a
 * {@link TimerTask} that would cancel the query when the timeout is over, and cancels that task as soon as the query has
 * answered. But a cancelled task stays in its {@link Timer}'s queue until the moment it was scheduled for, and it
 * refers to the statement. The application closes each statement properly and keeps none; with a timeout of 50 minutes
 * it still cannot get rid of a single one, and the heap fills up.
 *
 * <p>What finwatch shows: {@code registered} of {@code StatementLeak$Statement} climbs with every statement executed,
 * and the heap after a collection with it. {@code pending}, and the VM's own number beside it, stays at 0 to the end:
 * the statements are reachable, so there is nothing for the finalizer thread to do. (A few of the first may get away, as
 * the timer's thread, awake for its first task, drops what it finds cancelled at the head of its queue.)
 *
 * <p>Usage: {@code StatementLeak [STATEMENTS_PER_SECOND [STATEMENTS]]}. Executes STATEMENTS_PER_SECOND (10000) until
 * STATEMENTS have been executed, or without that number until the heap is full. Give it a small heap. Prints READY
 * before the first statement and DONE at the end.
 */
public final class StatementLeak {
    private static final int QUERY_TIMEOUT_SECONDS = 3000;
    private static final int BATCHES_PER_SECOND = 20;

    /** The one timer of the driver. */
    private static final Timer CANCEL_TIMER = new Timer("query-timeout", true);

    /** Room to speak in when the heap is full; let go of then. */
    private static byte[] reserve = new byte[1 << 20];

    private StatementLeak() {}

    /** A statement as that driver has it. */
    private static final class Statement {
        private final byte[] row = new byte[200];
        private TimerTask cancelTask;
        private boolean closed;

        void execute() {
            cancelTask = new TimerTask() {
                @Override
                public void run() {
                    cancelQuery();
                }
            };
            CANCEL_TIMER.schedule(cancelTask, QUERY_TIMEOUT_SECONDS * 1000L);
            row[0] = 1; // The server answers at once.
            cancelTask.cancel();
            // The mistake: nobody calls CANCEL_TIMER.purge().
        }

        private void cancelQuery() {
            close();
        }

        void close() {
            closed = true;
        }

        /** For applications that forget to close. This one does not, but the VM cannot know. */
        @Override
        protected void finalize() {
            if (!closed) {
                close();
            }
        }
    }

    public static void main(String[] args) throws InterruptedException {
        int perSecond = args.length > 0 ? Integer.parseInt(args[0]) : 10_000;
        long wanted = args.length > 1 ? Long.parseLong(args[1]) : Long.MAX_VALUE;

        System.out.println("READY: " + perSecond + " statements/s, each executed with a query timeout of "
                + QUERY_TIMEOUT_SECONDS + " s and closed");
        long executed = 0;
        try {
            while (executed < wanted) {
                long batchEnds = System.nanoTime() + 1_000_000_000L / BATCHES_PER_SECOND;
                for (int i = 0; i < Math.max(1, perSecond / BATCHES_PER_SECOND) && executed < wanted; i++) {
                    Statement statement = new Statement();
                    statement.execute();
                    statement.close();
                    executed++;
                }
                Thread.sleep(Math.max(0, (batchEnds - System.nanoTime()) / 1_000_000));
            }
        } catch (OutOfMemoryError e) {
            reserve = null;
            System.out.println(e + ", after " + executed + " statements, all of them closed");
        }
        System.out.println("DONE: " + executed + " statements; getObjectPendingFinalizationCount() says "
                + ManagementFactory.getMemoryMXBean().getObjectPendingFinalizationCount());
    }
}
