package subject;

import java.util.Map;

/** Commands that end the program, and the ones that need a helper loaded beside it. */
final class Endings {
    private static boolean throwAsked;

    private Endings() {
    }

    static void commands(Map<String, Driver.Command> commands) {
        commands.put("exit", a -> {
            System.exit(Integer.parseInt(a[0]));
            return null;
        });
        commands.put("halt", a -> {
            Runtime.getRuntime().halt(Integer.parseInt(a[0]));
            return null;
        });
        commands.put("throw", a -> {
            throwAsked = true;
            return new Json().with("throwing", 1);
        });
        commands.put("retransform", a -> retransform(a));
    }

    static void throwIfAsked() {
        if (throwAsked) {
            throw new IllegalStateException("uncaught on purpose");
        }
    }

    /** Asks the Java agent that was loaded with this program, see javaagent/Retransformer. */
    private static Json retransform(String[] names) throws Exception {
        Object count = Class.forName("javaagent.Retransformer").getMethod("retransform", String[].class)
                .invoke(null, (Object) names);
        return new Json().with("retransformed", (Integer) count);
    }
}
