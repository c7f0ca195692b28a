package incident;

/**
 * The machine is so busy that the finalizer thread hardly runs.
 *
 * <p>Modelled on the reports of "finalizer thread starvation" on loaded application servers, where its priority of 8
 * means nothing to the operating system (Linux ignores thread priorities unless {@code -XX:ThreadPriorityPolicy} says
 * otherwise), as in "The Secret Life Of The Finalizer" and IBM's and Red Hat's notes on it.
 */
public final class StarvedFinalizer {
    private StarvedFinalizer() {
    }

    static final class Handle {
        private final byte[] bytes = new byte[600];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            // 100 microseconds of honest work where the thread gets a processor for itself.
            long ends = System.nanoTime();
            for (int i = 0; i < 60_000; i++) {
                bytes[i & 511] += (byte) (i ^ ends);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        int perSecond = Integer.parseInt(arguments[0]);
        Pace.begin();
        int spinning = 8 * Runtime.getRuntime().availableProcessors();
        for (int thread = 0; thread < spinning; thread++) {
            Thread spin = new Thread(StarvedFinalizer::spin, "busy " + thread);
            spin.setDaemon(true);
            spin.start();
        }
        Pace.perSecond(perSecond, () -> {
            new Handle();
            Pace.garbage(2);
        });
    }

    private static volatile long sum;

    private static void spin() {
        while (true) {
            sum += System.nanoTime();
        }
    }
}
