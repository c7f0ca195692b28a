package subject;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes a {@code java.lang.ref.Finalizer} of a shape that nobody expects into a directory: this JVM's own, its method
 * {@code runFinalizer} under another name. It works as before.
 */
public final class OddFinalizer {
    private OddFinalizer() {
    }

    public static void main(String[] arguments) throws Exception {
        File directory = new File(arguments[0], "java/lang/ref");
        if (!directory.mkdirs()) {
            throw new IllegalStateException("cannot make " + directory);
        }
        int written = 0;
        for (String suffix : new String[] {"", "$1", "$2", "$3", "$4", "$FinalizerThread"}) {
            String name = "Finalizer" + suffix + ".class";
            InputStream input = Object.class.getResourceAsStream("/java/lang/ref/" + name);
            if (input != null) {
                try (FileOutputStream output = new FileOutputStream(new File(directory, name))) {
                    output.write(renamed(input));
                }
                written++;
            }
        }
        System.out.println("@{\"written\":" + written + "}");
    }

    /** The constant with the method's name: two bytes of length, then the name. */
    private static byte[] renamed(InputStream input) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        for (int n; (n = input.read(buffer)) > 0; ) {
            bytes.write(buffer, 0, n);
        }
        String latin = new String(bytes.toByteArray(), StandardCharsets.ISO_8859_1);
        return latin.replace("\0\14runFinalizer", "\0\14finalizeThis").getBytes(StandardCharsets.ISO_8859_1);
    }
}
