package incident;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.SoftReference;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Programs that are all right, each in its own way: {@code steady}, {@code bursts}, {@code start-up}, {@code hour},
 * {@code soft-cache}.
 */
public final class Healthy {
    private static final Deque<Session> LIVE = new ArrayDeque<>();

    private Healthy() {
    }

    static final class Session {
        private final byte[] attributes = new byte[200];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            attributes[0] = 1;
        }
    }

    public static void main(String[] arguments) throws Exception {
        int perSecond = Integer.parseInt(arguments[1]);
        Pace.begin();
        switch (arguments[0]) {
            case "steady":
                steady(perSecond);
                break;
            case "bursts":
                bursts(perSecond);
                break;
            case "start-up":
                startUp(perSecond);
                break;
            case "hour":
                hour(perSecond);
                break;
            case "soft-cache":
                softCache(perSecond);
                break;
            default:
                throw new IllegalArgumentException(arguments[0]);
        }
    }

    /** Objects that live for a while and go, the same number all the time. */
    private static void steady(int perSecond) throws Exception {
        Pace.perSecond(perSecond, () -> replace(5_000));
    }

    /** Nothing for a while, then very many at once that are dropped at once. */
    private static void bursts(int perSecond) throws Exception {
        Pace.perSecond(4, new Pace.Work() {
            private int turn;

            @Override
            public void run() {
                if (turn++ % 12 == 0) {
                    for (int i = 0; i < 3 * perSecond; i++) {
                        new Session();
                    }
                }
                Pace.garbage(4_000);
            }
        });
    }

    /** A cache is filled as fast as it goes, a quarter of the heap; then work with few of them. */
    private static void startUp(int perSecond) throws Exception {
        long quarter = Runtime.getRuntime().maxMemory() / 4;
        for (long used = 0; used < quarter; used += 300) {
            LIVE.add(new Session());
        }
        Pace.perSecond(perSecond, () -> {
            new Session();
            Pace.garbage(4);
        });
    }

    /** The sessions of an hour, whose number goes up and down, in half a minute. */
    private static void hour(int perSecond) throws Exception {
        long began = System.nanoTime();
        Pace.perSecond(perSecond, () -> {
            double minutes = (System.nanoTime() - began) / 5e8;
            int wanted = (int) (20_000 + 15_000 * Math.sin(minutes / 60 * 2 * Math.PI));
            replace(wanted);
        });
    }

    /** A cache of soft references fills up; the collector empties it where it needs room. */
    private static void softCache(int perSecond) throws Exception {
        Pace.perSecond(perSecond, () -> {
            for (Reference<?> gone = Cached.GONE.poll(); gone != null; gone = Cached.GONE.poll()) {
                Cached.BY_KEY.remove(((Cached) gone).key);
            }
            new Cached(new Session());
            Pace.garbage(4);
        });
    }

    private static final class Cached extends SoftReference<Session> {
        private static final ReferenceQueue<Session> GONE = new ReferenceQueue<>();
        private static final Map<Long, Cached> BY_KEY = new HashMap<>();
        private static long keys;

        private final long key = keys++;

        Cached(Session session) {
            super(session, GONE);
            BY_KEY.put(key, this);
        }
    }

    private static void replace(int wanted) {
        LIVE.add(new Session());
        while (LIVE.size() > wanted) {
            LIVE.poll();
        }
        Pace.garbage(4);
    }
}
