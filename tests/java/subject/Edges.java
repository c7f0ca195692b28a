package subject;

import java.util.Map;

/** Commands that make finalizable objects where making one fails: at the end of the stack and of the heap. */
final class Edges {
    private Edges() {
    }

    static void commands(Map<String, Driver.Command> commands) {
        commands.put("deepstack", a -> deepStack(Integer.parseInt(a[0])));
        commands.put("standstill", a -> standStill(Long.parseLong(a[0])));
        commands.put("heapfull", a -> heapFull(Integer.parseInt(a[0]), Integer.parseInt(a[1])));
    }

    /**
     * Stops the JVM for about so long: one thread runs a compiled counted loop, without a safepoint in it where
     * {@code -XX:-UseCountedLoopSafepoints} is given, and a collection waits for it.
     */
    private static Json standStill(long milliseconds) throws Exception {
        int count = 100_000;
        long nanos = 0;
        // Until it is compiled, and then until it takes long enough to be measured.
        for (int i = 0; i < 200 || nanos < 20_000_000; i++) {
            count = i < 200 ? count : count * 2;
            long start = System.nanoTime();
            sink += divide(count);
            nanos = System.nanoTime() - start;
        }
        int long_enough = (int) Math.min(Integer.MAX_VALUE, count * (milliseconds * 1e6 / nanos));
        Thread spinner = new Thread(() -> sink += divide(long_enough), "spinner");
        spinner.start();
        while (spinner.isAlive()) {
            System.gc();
            Thread.sleep(20);
        }
        return new Json().with("count", long_enough);
    }

    private static volatile long sink;

    private static long divide(int count) {
        long rest = Long.MAX_VALUE;
        for (int i = 1; i < count; i++) {
            rest = rest / (i | 1) + Long.MAX_VALUE / 3;
        }
        return rest;
    }

    private static final class Counts {
        private static final int PIECE = 1000;

        /** In pieces: ZGC's pages for one large array would take half of a small heap. */
        final Object[][] kept;
        int made;
        int failed;

        Counts(int pieces) {
            kept = new Object[pieces][PIECE];
        }

        boolean isFull() {
            return made == kept.length * PIECE;
        }

        Object get(int index) {
            return kept[index / PIECE][index % PIECE];
        }

        /** Allocates nothing but the object, and touches nothing that is not resolved already. */
        void tryOne() {
            if (made < kept.length * PIECE) {
                Object object = new Plain();
                kept[made / PIECE][made % PIECE] = object;
                made++;
            }
        }
    }

    /**
     * Runs to the end of the stack that many times; on the way back each of the last frames tries to make an object,
     * in the little room that it has.
     */
    private static Json deepStack(int times) throws Exception {
        Counts counts = new Counts(10);
        counts.tryOne();
        for (int i = 0; i < times; i++) {
            int padding = i;
            Thread thread = new Thread(null, () -> descend(counts, padding % 7), "deep", 192 * 1024);
            thread.start();
            thread.join();
        }
        return kept(counts);
    }

    private static int descend(Counts counts, int padding) {
        try {
            return padding == 0 ? descend(counts, 0) + 1 : descendWider(counts, padding, 1, 2, 3) + 1;
        } catch (StackOverflowError expected) {
            return tryHere(counts);
        }
    }

    /** Frames of another size, so that the end of the stack comes at another step of the registration. */
    private static long descendLocals(Counts counts, int padding, long a, long b, long c) {
        return a + b + c + descend(counts, padding - 1);
    }

    private static int descendWider(Counts counts, int padding, long a, long b, long c) {
        return (int) descendLocals(counts, padding, a + 1, b + 1, c + 1);
    }

    private static int tryHere(Counts counts) {
        try {
            counts.tryOne();
            return 0;
        } catch (StackOverflowError expected) {
            counts.failed++;
            throw expected;
        }
    }

    /** A node of ballast; linked, so that filling the heap needs no growing array. */
    private static final class Ballast {
        final Ballast next;
        final byte[] bytes;

        Ballast(Ballast next, int size) {
            this.next = next;
            this.bytes = new byte[size];
        }
    }

    /**
     * Fills the heap, then, that many times, gives a little room back and makes objects until that fails: at the object
     * itself, at its Finalizer, or at whatever else is allocated on the way. Collectors that allocate whole regions need
     * more room back than one region has.
     */
    private static Json heapFull(int times, int kilobytes) {
        Counts counts = new Counts(400);
        counts.tryOne();
        Ballast reserve = null;
        for (int node = 0; node < times * kilobytes; node++) {
            reserve = new Ballast(reserve, 1000);
        }
        Ballast ballast = fill(counts);
        for (int i = 0; i < times; i++) {
            for (int node = 0; node < kilobytes; node++) {
                reserve = reserve.next;
            }
            makeUntilFull(counts);
        }
        boolean full = ballast != null;
        ballast = null;
        return kept(counts).with("full", full ? 1 : 0);
    }

    /** With ever smaller pieces. */
    private static Ballast fill(Counts counts) {
        Ballast ballast = null;
        for (int size = 1 << 20; size >= 16; size /= 4) {
            try {
                while (true) {
                    ballast = new Ballast(ballast, size);
                }
            } catch (OutOfMemoryError expected) {
                counts.failed++;
            }
        }
        return ballast;
    }

    private static void makeUntilFull(Counts counts) {
        try {
            while (!counts.isFull()) {
                counts.tryOne();
            }
        } catch (OutOfMemoryError expected) {
            counts.failed++;
        }
    }

    /** Holds what was made until {@code drop}; how many registrations that are is for the class histogram to say. */
    private static Json kept(Counts counts) {
        for (int i = 0; i < counts.made; i++) {
            Objects.hold("subject.Plain", counts.get(i));
        }
        return new Json().with("made", counts.made).with("failed", counts.failed);
    }
}
