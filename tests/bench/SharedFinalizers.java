import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.lang.ref.SoftReference;
import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.Map;

/**
 * Fills the heap with finalizable objects of three classes that share what they keep alive: among the objects of one
 * class, between classes, with the program, through cycles, and beside references that hold nothing. What keeps a thing
 * alive can be told only of all of them together. Dumps it.
 *
 * <p>Usage: {@code SharedFinalizers COUNT FILE.hprof}.
 */
public final class SharedFinalizers {
    private static final int STATEMENTS = 5;
    private static final Map<Integer, Object> HELD = new HashMap<>();
    private static final Map<Integer, Object> PAGES = new HashMap<>();

    private SharedFinalizers() {}

    /** What is finalized here. */
    private abstract static class Resource {
        private static int finalized;

        /** Not empty: the JVM registers no objects with an empty finalizer. */
        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            finalized++;
        }
    }

    /** Holds its statements, which hold it; the program holds some of them besides. */
    private static final class Connection extends Resource {
        private final Object[] statements = new Object[STATEMENTS];
        private final Map<String, String> settings = new HashMap<>();
        private SoftReference<byte[]> cache;
        private byte[] buffer;
    }

    private static final class Statement extends Resource {
        private Connection connection;
        private Statement next;
        private Result result;
        private byte[] plan;
    }

    private static final class Result extends Resource {
        private final long[] row = new long[3];
        private final byte[] page;
        private final WeakReference<Statement> statement;

        private Result(Statement statement, byte[] page) {
            this.statement = new WeakReference<>(statement);
            this.page = page;
        }
    }

    /** One connection with its statements and results. */
    private static Connection connect(int number) {
        Connection connection = new Connection();
        connection.settings.put("name " + number, "user " + number);
        connection.buffer = new byte[200];
        connection.cache = new SoftReference<>(new byte[50]);
        byte[] plan = new byte[100];
        byte[] kept = new byte[80];
        Statement first = null;
        for (int i = 0; i < STATEMENTS; i++) {
            Statement statement = new Statement();
            statement.connection = connection;
            // One plan for all statements of a connection; the last has the connection's own buffer instead.
            statement.plan = i < STATEMENTS - 1 ? plan : connection.buffer;
            // Of five pages one is the program's too.
            statement.result = new Result(statement, i == 0 ? kept : new byte[60]);
            statement.next = first;
            first = first == null ? statement : first;
            connection.statements[i] = statement;
        }
        PAGES.put(number, kept);
        return connection;
    }

    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[0]);
        for (int i = 0; i < count; i++) {
            Connection connection = connect(i);
            // Of a third of them the program holds a statement, of a third a result besides.
            HELD.put(3 * i, i % 3 == 0 ? connection.statements[0] : connection);
            if (i % 3 == 1) {
                HELD.put(3 * i + 1, ((Statement) connection.statements[1]).result);
            }
        }
        HotSpotDiagnosticMXBean bean = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
        bean.dumpHeap(arguments[1], true);
        System.out.println("DONE: " + count + " connections");
    }
}
