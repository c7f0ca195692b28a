package incident;

/**
 * A finalizer that throws each time, so that what it should have released never is, and nobody hears of it.
 *
 * <p>Modelled on Apache HttpClient and the many like it whose {@code finalize()} calls {@code shutdown()} on something
 * that has been finalized before it ({@code NullPointerException} in {@code finalize()}, swallowed by the JDK: "any
 * exception thrown by the finalize method ... is otherwise ignored", {@code Object.finalize}).
 */
public final class ThrowingFinalizer {
    private ThrowingFinalizer() {
    }

    static final class Client {
        private byte[] buffer;

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            buffer[0] = 1;
        }
    }

    public static void main(String[] arguments) throws Exception {
        Pace.begin();
        Pace.perSecond(Integer.parseInt(arguments[0]), () -> {
            new Client();
            Pace.garbage(8);
        });
    }
}
