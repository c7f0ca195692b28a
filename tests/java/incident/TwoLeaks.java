package incident;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Two leaks at once that have nothing to do with each other, beside a class that is all right.
 *
 * <p>Modelled on the usual heap dump in such cases, whose dominator tree has two suspects (the documentation of Eclipse
 * Memory Analyzer's leak suspects report, "Problem Suspect 1" and "Problem Suspect 2").
 */
public final class TwoLeaks {
    private static final Deque<Session> SESSIONS = new ArrayDeque<>();
    private static final ThreadLocal<Deque<Cursor>> CURSORS = ThreadLocal.withInitial(ArrayDeque::new);

    private TwoLeaks() {
    }

    static final class Session {
        private final byte[] attributes = new byte[300];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            attributes[0] = 1;
        }
    }

    static final class Cursor {
        private final byte[] row = new byte[100];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            row[0] = 1;
        }
    }

    static final class Stream {
        private final byte[] buffer = new byte[100];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            buffer[0] = 1;
        }
    }

    public static void main(String[] arguments) throws Exception {
        Pace.begin();
        Pace.perSecond(Integer.parseInt(arguments[0]), () -> {
            SESSIONS.add(new Session());
            CURSORS.get().add(new Cursor());
            new Stream();
            Pace.garbage(2);
        });
    }
}
