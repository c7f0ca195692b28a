package incident;

/**
 * Many threads make finalizable objects as fast as they can: they contend for the one lock of registration, which the
 * finalizer thread needs too, and it falls behind.
 *
 * <p>Modelled on the DuckDB driver (duckdb-java, finalizers of {@code DuckDBResultSet} and its vectors removed because
 * queries from many threads spent their time in {@code java.lang.ref.Finalizer.register}).
 */
public final class RegistrationContention {
    private RegistrationContention() {
    }

    static final class Vector {
        private final byte[] values = new byte[64];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            long ends = System.nanoTime() + 50_000;
            while (System.nanoTime() < ends) {
                values[0]++;
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        int perSecond = Integer.parseInt(arguments[0]);
        Pace.begin();
        for (int thread = 1; thread < 8; thread++) {
            Pace.inBackground(perSecond / 8, Vector::new);
        }
        Pace.perSecond(perSecond / 8, Vector::new);
    }
}
