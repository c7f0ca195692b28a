import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Enumeration;
import java.util.Random;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/** Archives written and read, whose streams have finalizers in the JDK up to 8. Arguments: {@code SECONDS DIRECTORY JAR}. */
public final class ZipArchives {
    private static final int ENTRIES_READ = 20;

    private ZipArchives() {}

    public static void main(String[] args) throws Exception {
        byte[] content = new byte[20_000];
        new Random(1).nextBytes(content);
        Load.run(args[0], 4, () -> {
            readAll(new ByteArrayInputStream(written(content)));
            readSome(args[2]);
        });
    }

    private static byte[] written(byte[] content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (int i = 0; i < 5; i++) {
                zip.putNextEntry(new ZipEntry("entry " + i));
                zip.write(content);
            }
        }
        return bytes.toByteArray();
    }

    private static void readAll(InputStream bytes) throws IOException {
        byte[] buffer = new byte[4096];
        try (ZipInputStream zip = new ZipInputStream(bytes)) {
            while (zip.getNextEntry() != null) {
                while (zip.read(buffer) >= 0) {
                    // Nobody wants it.
                }
            }
        }
    }

    private static void readSome(String path) throws IOException {
        try (JarFile jar = new JarFile(path)) {
            Enumeration<JarEntry> entries = jar.entries();
            for (int i = 0; i < ENTRIES_READ && entries.hasMoreElements(); i++) {
                try (InputStream in = jar.getInputStream(entries.nextElement())) {
                    in.read();
                }
            }
        }
    }
}
