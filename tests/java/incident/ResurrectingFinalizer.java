package incident;

import java.util.ArrayList;
import java.util.List;

/**
 * A finalizer that puts its object back into a pool which nobody takes it out of.
 *
 * <p>Modelled on the object pools of "Effective Java", item 8 (avoid finalizers), and of JEP 421: "a finalizer can resurrect
 * an object"; the object is finalized once, no longer registered, and lives on.
 */
public final class ResurrectingFinalizer {
    private static final List<Buffer> POOL = new ArrayList<>();

    private ResurrectingFinalizer() {
    }

    static final class Buffer {
        private final byte[] bytes = new byte[600];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            synchronized (POOL) {
                bytes[0] = 1;
                POOL.add(this);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        Pace.begin();
        Pace.perSecond(Integer.parseInt(arguments[0]), () -> {
            new Buffer();
            Pace.garbage(8);
        });
    }
}
