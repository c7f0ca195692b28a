package incident;

import java.util.ArrayList;
import java.util.List;

/** Objects of one class: three in five are kept for good, the others dropped and finalized as they should be. */
public final class PartialLeak {
    private static final List<Handle> KEPT = new ArrayList<>();
    private static int made;

    private PartialLeak() {
    }

    static final class Handle {
        private final byte[] state = new byte[300];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            state[0] = 1;
        }
    }

    public static void main(String[] arguments) throws Exception {
        Pace.begin();
        Pace.perSecond(Integer.parseInt(arguments[0]), () -> {
            Handle handle = new Handle();
            if (++made % 5 < 3) {
                KEPT.add(handle);
            }
            Pace.garbage(2);
        });
    }
}
