package subject;

import java.lang.management.ManagementFactory;
import java.util.Map;

/** Commands that collect, finalize and wait for it. */
final class Collecting {
    private Collecting() {
    }

    static void commands(Map<String, Driver.Command> commands) {
        commands.put("gc", a -> gc(Integer.parseInt(a[0])));
        commands.put("runFinalization", a -> runFinalization());
        commands.put("await", a -> await(a[0], Long.parseLong(a[1])));
        commands.put("quiet", a -> quiet(0));
        commands.put("pending", a -> quiet(Long.parseLong(a[0])));
        commands.put("stuck", a -> stuck(0));
        commands.put("stuck-with", a -> stuck(Integer.parseInt(a[0])));
        commands.put("release", a -> release());
        commands.put("garbage", a -> garbage(Integer.parseInt(a[0])));
    }

    private static Json gc(int times) {
        for (int i = 0; i < times; i++) {
            System.gc();
        }
        return Beans.collectors();
    }

    @SuppressWarnings({"deprecation", "removal"})
    private static Json runFinalization() {
        System.runFinalization();
        return Beans.pending();
    }

    private static Json await(String name, long wanted) throws Exception {
        Tally tally = Tally.of(name);
        if (!tally.awaitEntered(wanted)) {
            return tally.json().with("error", "still fewer than " + wanted + " finalized after 300 collections");
        }
        return tally.json();
    }

    /** Collects until just that many objects are pending three times in a row. */
    private static Json quiet(long wanted) throws Exception {
        int calm = 0;
        for (int round = 0; round < 300 && calm < 3; round++) {
            System.gc();
            calm = pendingBecomes(wanted) ? calm + 1 : 0;
        }
        Json answer = Beans.pending();
        return calm < 3 ? answer.with("error", "pending does not become " + wanted) : answer;
    }

    /** The VM tells nobody when its finalizer thread takes an object, so this has to look again and again. */
    private static boolean pendingBecomes(long wanted) throws InterruptedException {
        for (int look = 0; look < 50; look++) {
            if (ManagementFactory.getMemoryMXBean().getObjectPendingFinalizationCount() == wanted) {
                return true;
            }
            Thread.sleep(2);
        }
        return false;
    }

    /**
     * Returns when the finalizer thread stands inside the finalizer of one more {@link Stuck}, which refers to so many
     * other dead objects.
     */
    private static Json stuck(int referred) throws Exception {
        Tally tally = Tally.of("subject.Stuck");
        long before = tally.entered.get();
        makeStuck(referred);
        if (!tally.awaitEntered(before + 1)) {
            return tally.json().with("error", "the finalizer thread never came");
        }
        return tally.json();
    }

    private static void makeStuck(int referred) {
        Plain[] plain = new Plain[referred];
        for (int i = 0; i < referred; i++) {
            plain[i] = new Plain();
        }
        Tally.of("subject.Plain").made.addAndGet(referred);
        Tally.of("subject.Stuck").made.incrementAndGet();
        new Stuck(plain);
    }

    private static Json release() {
        Stuck.RELEASE.release();
        return Tally.of("subject.Stuck").json();
    }

    /** Fills the young generation with garbage that many megabytes over, so that the collector comes by itself. */
    private static Json garbage(int megabytes) {
        long sum = 0;
        for (int i = 0; i < megabytes * 64; i++) {
            sum += new byte[16 * 1024].length;
        }
        return Beans.collectors().with("bytes", sum);
    }
}
