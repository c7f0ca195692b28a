import java.io.BufferedReader;
import java.io.File;
import java.io.FileReader;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.util.concurrent.ThreadLocalRandom;
import java.util.zip.GZIPInputStream;

import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;

/** Tomcat and its clients: a file, compressed, and now and then a session. Arguments: {@code SECONDS DIRECTORY}. */
public final class TomcatServer {
    private TomcatServer() {}

    public static void main(String[] args) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(args[1]);
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("compression", "force");
        Context context = tomcat.addContext("", new File(args[1]).getAbsolutePath());
        Tomcat.addServlet(context, "page", new Page());
        context.addServletMappingDecoded("/*", "page");
        tomcat.start();
        URL url = new URL("http://127.0.0.1:" + tomcat.getConnector().getLocalPort() + "/page");
        Load.run(args[0], 6, () -> read(url));
        System.exit(0);
    }

    private static void read(URL url) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) url.openConnection();
        connection.setRequestProperty("Accept-Encoding", "gzip");
        byte[] buffer = new byte[8192];
        try (InputStream in = new GZIPInputStream(connection.getInputStream())) {
            while (in.read(buffer) >= 0) {
                // Nobody wants it.
            }
        }
    }

    /** One session in a hundred requests: Tomcat looks for those that are over once a minute. */
    public static final class Page extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            if (ThreadLocalRandom.current().nextInt(100) == 0) {
                request.getSession().setAttribute("bytes", new byte[2000]);
                request.getSession().setMaxInactiveInterval(5);
            }
            response.setContentType("text/plain");
            try (BufferedReader in = new BufferedReader(new FileReader("/etc/services"))) {
                for (String line = in.readLine(); line != null; line = in.readLine()) {
                    response.getWriter().println(line);
                }
            }
        }
    }
}
