import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** Defines as many classes like {@link Finalizable0000} as wanted: its bytes, with another name of the same length. */
final class ClassFactory extends ClassLoader {
    private static final String TEMPLATE = "Finalizable0000";

    private ClassFactory() {
        super(ClassFactory.class.getClassLoader());
    }

    /** A maker for each of {@code count} classes, at most 9,999. */
    static Maker[] makers(int count) throws ReflectiveOperationException, IOException {
        ClassFactory factory = new ClassFactory();
        byte[] template = template();
        Maker[] makers = new Maker[count];
        for (int i = 0; i < count; i++) {
            String name = String.format("Finalizable%04d", i + 1);
            byte[] bytes = renamed(template, name);
            Class<?> type = factory.defineClass(name, bytes, 0, bytes.length);
            makers[i] = (Maker) type.getDeclaredConstructor().newInstance();
        }
        return makers;
    }

    private static byte[] template() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (InputStream in = ClassFactory.class.getResourceAsStream(TEMPLATE + ".class")) {
            for (int b = in.read(); b >= 0; b = in.read()) {
                bytes.write(b);
            }
        }
        return bytes.toByteArray();
    }

    /** ISO 8859-1 maps bytes to characters one to one, which makes this a search and replace in bytes. */
    private static byte[] renamed(byte[] template, String name) {
        String text = new String(template, StandardCharsets.ISO_8859_1);
        return text.replace(TEMPLATE, name).getBytes(StandardCharsets.ISO_8859_1);
    }
}
