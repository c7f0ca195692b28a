import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.lang.ref.ReferenceQueue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.ProtectionDomain;

/** Writes the two class files into a directory: as the JDK ships them, and as the VM hands them to a retransformation. */
public final class Capture {
    public static void premain(String directory, Instrumentation instrumentation) throws Exception {
        instrumentation.addTransformer(new Saver(directory), true);
        instrumentation.retransformClasses(Class.forName("java.lang.ref.Finalizer"), ReferenceQueue.class);
        for (String name : new String[] {"Finalizer", "ReferenceQueue"}) {
            try (InputStream shipped = ClassLoader.getSystemResourceAsStream("java/lang/ref/" + name + ".class")) {
                save(Paths.get(directory, "shipped", name + ".class"), bytes(shipped));
            }
        }
    }

    public static void main(String[] arguments) {
        System.out.println("captured");
    }

    private static final class Saver implements ClassFileTransformer {
        private final String directory;

        Saver(String directory) {
            this.directory = directory;
        }

        @Override
        public byte[] transform(
                ClassLoader loader, String name, Class<?> type, ProtectionDomain domain, byte[] classFile) {
            if (type != null && name.startsWith("java/lang/ref/")) {
                String file = name.substring("java/lang/ref/".length()) + ".class";
                try {
                    save(Paths.get(directory, "reconstituted", file), classFile);
                } catch (IOException e) {
                    e.printStackTrace();
                }
            }
            return null;
        }
    }

    private static void save(Path path, byte[] classFile) throws IOException {
        Files.createDirectories(path.getParent());
        Files.write(path, classFile);
    }

    private static byte[] bytes(InputStream in) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            out.write(buffer, 0, n);
        }
        return out.toByteArray();
    }
}
