package javaagent;

import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.security.ProtectionDomain;

/**
 * A Java agent like those of monitoring products: it has classes of the JDK retransformed while the program runs. Its
 * transformer hands the bytes back as they came, so a class loses whatever does not take part in the retransformation.
 */
public final class Retransformer {
    private static Instrumentation instrumentation;

    private Retransformer() {
    }

    public static void premain(String arguments, Instrumentation offered) {
        instrumentation = offered;
    }

    /** Retransforms the classes of those names; answers how many class files passed through the transformer. */
    public static int retransform(String[] names) throws Exception {
        int[] seen = new int[1];
        ClassFileTransformer transformer = new ClassFileTransformer() {
            @Override
            public byte[] transform(ClassLoader loader, String name, Class<?> redefined, ProtectionDomain domain, byte[] bytes) {
                seen[0]++;
                return bytes.clone();
            }
        };
        instrumentation.addTransformer(transformer, true);
        try {
            for (String name : names) {
                instrumentation.retransformClasses(Class.forName(name));
            }
        } finally {
            instrumentation.removeTransformer(transformer);
        }
        return seen[0];
    }
}
