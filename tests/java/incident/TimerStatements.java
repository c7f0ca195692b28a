package incident;

import java.util.Timer;
import java.util.TimerTask;

/**
 * Statements that are closed and still held by the cancelled task of their query timeout.
 *
 * <p>Modelled on the PostgreSQL driver 9.2: its {@code Driver.cancelTimer} was never purged, so that a cancelled task
 * stayed in the queue until the timeout (pgjdbc, "cancelTimer: memory leak", fixed in 9.3-1101 by a call of
 * {@code purge()}).
 */
public final class TimerStatements {
    private static final Timer CANCEL_TIMER = new Timer("cancel timer", true);

    private TimerStatements() {
    }

    static final class Statement {
        private final byte[] row = new byte[200];
        private boolean closed;

        void execute() {
            TimerTask cancel = new TimerTask() {
                @Override
                public void run() {
                    close();
                }
            };
            CANCEL_TIMER.schedule(cancel, 3_000_000L);
            row[0] = 1;
            cancel.cancel();
        }

        void close() {
            closed = true;
        }

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            close();
        }
    }

    public static void main(String[] arguments) throws Exception {
        Pace.begin();
        Pace.perSecond(Integer.parseInt(arguments[0]), () -> {
            Statement statement = new Statement();
            statement.execute();
            statement.close();
            Pace.garbage(2);
        });
    }
}
