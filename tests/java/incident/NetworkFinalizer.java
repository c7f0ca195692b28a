package incident;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * A finalizer that says goodbye to a server, without a timeout, and the server does not answer.
 *
 * <p>Modelled on the Oracle and MySQL drivers' reports of a {@code Finalizer} thread in {@code socketRead0} (for example
 * MySQL bug 43739, {@code ConnectionImpl.finalize} and {@code cleanup} that talk to the server).
 */
public final class NetworkFinalizer {
    private static ServerSocket server;

    private NetworkFinalizer() {
    }

    static final class Session {
        private final byte[] buffer = new byte[600];

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() throws IOException {
            try (Socket socket = new Socket(server.getInetAddress(), server.getLocalPort())) {
                socket.getOutputStream().write('q');
                buffer[0] = (byte) socket.getInputStream().read();
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Pace.begin();
        Pace.perSecond(Integer.parseInt(arguments[0]), () -> {
            new Session();
            Pace.garbage(8);
        });
    }
}
