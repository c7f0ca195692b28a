import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Makes objects with a finalizer, drops them, and tells what the hooks have seen of it. */
public final class Probe {
    private static final int OBJECTS = 1000;
    private static final int THROWING = 100;
    private static final CountDownLatch FINALIZED = new CountDownLatch(OBJECTS);

    static final class Finalizable {
        private final int number;

        Finalizable(int number) {
            this.number = number;
        }

        @Override
        protected void finalize() {
            FINALIZED.countDown();
            if (number < THROWING) {
                throw new IllegalStateException("as it should");
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        for (int number = 0; number < OBJECTS; number++) {
            new Finalizable(number);
        }
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        String counts = counts();
        String wanted = "registered=800 uncalled=200 kept=128 enqueued=1000 finalized=900 threw=100";
        while (!counts.equals(wanted) && System.nanoTime() < end) {
            System.gc();
            FINALIZED.await(20, TimeUnit.MILLISECONDS);
            counts = counts();
        }
        System.out.println("counts: " + counts);
    }

    private static String counts() throws Exception {
        return (String) Class.forName("java.lang.ref.FinwatchHook").getMethod("counts").invoke(null);
    }
}
