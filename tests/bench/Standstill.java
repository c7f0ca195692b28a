import java.io.IOException;
import java.util.concurrent.locks.LockSupport;

/**
 * A big heap, and a thread that notices how long it stands still.
 *
 * <p>Usage: {@code Standstill timer|stack STATEMENTS OTHERS}. Holds so many statements, by a timer as {@link HeldFinalizers}
 * does or by a local variable alone, and so many other objects. Then it registers a finalizable object about every tenth of
 * a millisecond. Says {@code ready}, and answers each byte that it reads with {@code waited LONGEST SUM}: the longest time between two of these objects since the last
 * answer, and the sum of those that took {@link #NOTABLE_NS} or more, both in milliseconds. Ends with its standard input.
 */
public final class Standstill {
    private static final long PAUSE_NS = 100_000;

    /** What a busy scheduler rarely takes. */
    private static final long NOTABLE_NS = 2_000_000;

    private static final int CHUNK = 1_000;

    private static Object[][] others;

    private final Thread pulse = new Thread(this::beat, "pulse");
    private long longest;
    private long sum;

    private Standstill() {}

    private static final class Other {
        private final Other previous;

        Other(Other previous) {
            this.previous = previous;
        }
    }

    private static final class Beat {
        private int rows;

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            rows = 0;
        }
    }

    private void beat() {
        long last = System.nanoTime();
        while (true) {
            LockSupport.parkNanos(PAUSE_NS);
            new Beat();
            long now = System.nanoTime();
            took(now - last);
            last = now;
        }
    }

    private synchronized void took(long nanoseconds) {
        longest = Math.max(longest, nanoseconds);
        if (nanoseconds >= NOTABLE_NS) {
            sum += nanoseconds;
        }
    }

    private synchronized String answer() {
        String answer = "waited " + longest / 1e6 + " " + sum / 1e6;
        longest = 0;
        sum = 0;
        return answer;
    }

    private static void hold(int count) {
        others = new Object[count / CHUNK][CHUNK];
        for (Object[] chunk : others) {
            Other previous = null;
            for (int i = 0; i < CHUNK; i++) {
                previous = new Other(previous);
                chunk[i] = previous;
            }
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        int statements = Integer.parseInt(arguments[1]);
        Object[] local = {};
        if (arguments[0].equals("timer")) {
            HeldFinalizers.hold(statements);
        } else {
            local = HeldFinalizers.statements(statements);
        }
        hold(Integer.parseInt(arguments[2]));
        System.gc();
        Standstill standstill = new Standstill();
        standstill.pulse.setDaemon(true);
        standstill.pulse.start();
        Thread.sleep(1_000); // The JIT compilers' time, and the beat's own.
        standstill.answer();
        System.out.println("ready");
        while (System.in.read() >= 0) {
            Thread.sleep(10); // The pulse may still stand in what is asked about.
            System.out.println(standstill.answer());
        }
        System.out.println(local.length + " held by the stack");
    }
}
