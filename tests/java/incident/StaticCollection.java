package incident;

import java.util.HashMap;
import java.util.Map;

/**
 * A cache in a static field from which nothing is ever removed.
 *
 * <p>Modelled on the JDK's {@code JarFileFactory.fileCache} holding finalizable {@code JarFile}s for good
 * (JDK-6956385 and the advice {@code setUseCaches(false)} that grew out of it).
 */
public final class StaticCollection {
    private static final Map<Integer, Archive> CACHE = new HashMap<>();

    private StaticCollection() {
    }

    static final class Archive {
        private final byte[] index = new byte[300];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            index[0] = 1;
        }
    }

    public static void main(String[] arguments) throws Exception {
        Pace.begin();
        Pace.perSecond(Integer.parseInt(arguments[0]), () -> {
            CACHE.put(CACHE.size(), new Archive());
            Pace.garbage(2);
        });
    }
}
