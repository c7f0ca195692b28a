import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;

/** A thousand virtual threads, each parked with a finalizable object in a local variable. */
public final class VirtualHolders {
    private static final int COUNT = 1000;

    private VirtualHolders() {}

    static final class Held {
        private int uses;

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            uses = -1;
        }
    }

    private static void park(Held held, CountDownLatch parked) {
        parked.countDown();
        while (held.uses >= 0) {
            LockSupport.park();
        }
    }

    public static void main(String[] arguments) throws Exception {
        CountDownLatch parked = new CountDownLatch(COUNT);
        for (int i = 0; i < COUNT; i++) {
            Thread.startVirtualThread(() -> park(new Held(), parked));
        }
        parked.await();
        System.out.println("@{\"ready\":1}");
        while (System.in.read() >= 0) {
            continue;
        }
    }
}
