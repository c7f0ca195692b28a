import java.lang.management.ManagementFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The application of the PostgreSQL leak: threads that send small queries, each with a query timeout, and close every
 * result and every statement. What leaks is the JDBC driver of that time: for each timeout it schedules a
 * {@code TimerTask} that refers to the statement, cancels it when the answer is there, and never purges the timer.
 *
 * <p>What finwatch shows with {@code org.postgresql:postgresql:9.2-1004-jdbc3}: {@code registered} of
 * {@code org.postgresql.jdbc3g.Jdbc3gPreparedStatement} climbs with every query, {@code pending} is 0 all the while, and
 * {@code System.gc()} at the end changes nothing. With {@code 9.3-1101-jdbc3}, whose driver purges, {@code registered}
 * is a saw-tooth: thousands between two collections, and at most one statement per thread after the last one.
 *
 * <p>Usage: {@code PostgresLeak URL [STATEMENTS [THREADS [TIMEOUT_SECONDS]]]}, default 400000 2 3000. STATEMENTS is the
 * number at which to end; {@code until-oom} goes on until the heap is full. User and password are read from the
 * environment, PGUSER and PGPASSWORD. With a number it also ends, early, when the heap is nearly full after a collection.
 * Prints READY once connected, PROGRESS every 50000 statements, DONE at the end.
 */
public final class PostgresLeak {
    private static final int CHECK_EVERY = 1000;
    private static final int PROGRESS_EVERY = 50_000;
    private static final double NEARLY_FULL = 0.85;

    private final String url;
    private final long wanted;
    private final boolean untilOom;
    private final int timeoutSeconds;
    private final AtomicLong executed = new AtomicLong();
    private final AtomicReference<Throwable> failure = new AtomicReference<Throwable>();
    private volatile String ending;

    /** Room to speak in when the heap is full; let go of then. */
    private volatile byte[] reserve = new byte[1 << 20];

    private PostgresLeak(String url, String statements, int timeoutSeconds) {
        this.url = url;
        this.untilOom = statements.equals("until-oom");
        this.wanted = untilOom ? Long.MAX_VALUE : Long.parseLong(statements);
        this.timeoutSeconds = timeoutSeconds;
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 0) {
            System.err.println("usage: PostgresLeak URL [STATEMENTS|until-oom [THREADS [TIMEOUT_SECONDS]]]");
            System.exit(2);
        }
        String statements = args.length > 1 ? args[1] : "400000";
        int threads = args.length > 2 ? Integer.parseInt(args[2]) : 2;
        int timeoutSeconds = args.length > 3 ? Integer.parseInt(args[3]) : 3000;
        Class.forName("org.postgresql.Driver"); // Drivers of that time do not announce themselves on every JDK.
        new PostgresLeak(args[0], statements, timeoutSeconds).run(threads);
    }

    private void run(int threads) throws Exception {
        Connection[] connections = new Connection[threads];
        for (int i = 0; i < threads; i++) {
            connections[i] = DriverManager.getConnection(url, System.getenv("PGUSER"), System.getenv("PGPASSWORD"));
        }
        System.out.println("READY: " + DriverManager.getDriver(url).getClass().getName() + " "
                + connections[0].getMetaData().getDriverVersion() + " against PostgreSQL "
                + connections[0].getMetaData().getDatabaseProductVersion() + ", " + threads
                + " threads, each statement with setQueryTimeout(" + timeoutSeconds + ") and closed");
        runThreads(connections);
        if (failure.get() != null) {
            throw new IllegalStateException("a query failed after " + executed + " statements", failure.get());
        }
        if (!untilOom) {
            System.gc();
            Thread.sleep(1000); // What the collection found reaches the finalizer thread by way of another thread.
            System.runFinalization();
        }
        System.out.println("DONE: " + ending + ", after " + executed + " statements, all of them closed; "
                + "getObjectPendingFinalizationCount() says "
                + ManagementFactory.getMemoryMXBean().getObjectPendingFinalizationCount());
        System.exit(0); // The driver's timer thread is no daemon.
    }

    private void runThreads(Connection[] connections) throws InterruptedException {
        Thread[] threads = new Thread[connections.length];
        for (int i = 0; i < threads.length; i++) {
            final Connection connection = connections[i];
            threads[i] = new Thread("query-" + i) {
                @Override
                public void run() {
                    queryUntilTheEnd(connection);
                }
            };
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private void queryUntilTheEnd(Connection connection) {
        try {
            while (ending == null) {
                query(connection);
                long count = executed.incrementAndGet();
                if (count % PROGRESS_EVERY == 0) {
                    System.out.println("PROGRESS: " + count + " statements");
                }
                if (count >= wanted) {
                    ending = "as many as wanted";
                } else if (!untilOom && count % CHECK_EVERY == 0 && heapIsNearlyFull()) {
                    ending = "the heap is nearly full";
                }
            }
        } catch (OutOfMemoryError e) {
            reserve = null;
            ending = e.toString();
        } catch (SQLException e) {
            // When the heap is full, the thread that did not get the error may see the connection fail instead.
            if (ending == null) {
                failure.compareAndSet(null, e);
                ending = e.toString();
            }
        }
    }

    private void query(Connection connection) throws SQLException {
        PreparedStatement statement = connection.prepareStatement("SELECT 42");
        try {
            statement.setQueryTimeout(timeoutSeconds);
            ResultSet result = statement.executeQuery();
            result.next();
            if (result.getInt(1) != 42) {
                throw new SQLException("the server says that 42 is " + result.getInt(1));
            }
            result.close();
        } finally {
            statement.close();
        }
    }

    /** Asks for a collection before it says yes: what is in use may be garbage. */
    private static boolean heapIsNearlyFull() {
        Runtime runtime = Runtime.getRuntime();
        if (runtime.totalMemory() - runtime.freeMemory() < NEARLY_FULL * runtime.maxMemory()) {
            return false;
        }
        System.gc();
        return runtime.totalMemory() - runtime.freeMemory() >= NEARLY_FULL * runtime.maxMemory();
    }
}
