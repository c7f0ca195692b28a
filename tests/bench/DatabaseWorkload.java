import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * An embedded database at work: inserts, look-ups by key, updates in transactions, a join with aggregation.
 *
 * <p>Arguments: {@code JDBC_URL ACCOUNTS REPETITIONS}. Reports {@code cpu_ms} (all threads) and {@code elapsed_ms} of a
 * repetition.
 */
public final class DatabaseWorkload {
    private static final int BRANCHES = 50;

    private DatabaseWorkload() {}

    public static void main(String[] args) throws Exception {
        int accounts = Integer.parseInt(args[1]);
        double[] cpu = new double[Integer.parseInt(args[2])];
        double[] elapsed = new double[cpu.length];
        try (Connection connection = DriverManager.getConnection(args[0])) {
            connection.setAutoCommit(false);
            for (int r = 0; r < cpu.length; r++) {
                long cpuBefore = CpuClock.processNanos();
                long start = System.nanoTime();
                repetition(connection, accounts);
                elapsed[r] = (System.nanoTime() - start) / 1e6;
                cpu[r] = (CpuClock.processNanos() - cpuBefore) / 1e6;
            }
        }
        Report.repetitions("cpu_ms", cpu);
        Report.repetitions("elapsed_ms", elapsed);
    }

    private static void repetition(Connection connection, int accounts) throws SQLException {
        execute(connection, "DROP TABLE IF EXISTS account");
        execute(connection, "CREATE TABLE account (id INT PRIMARY KEY, branch INT, owner VARCHAR(40), balance BIGINT)");
        execute(connection, "CREATE INDEX by_branch ON account (branch)");
        insert(connection, accounts);
        transfer(connection, accounts);
        long sum = sumOfBranches(connection);
        if (sum != accounts * 100L) {
            throw new IllegalStateException("the balances add up to " + sum + " instead of " + accounts * 100L);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void insert(Connection connection, int accounts) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO account VALUES (?, ?, ?, 100)")) {
            for (int id = 0; id < accounts; id++) {
                insert.setInt(1, id);
                insert.setInt(2, id % BRANCHES);
                insert.setString(3, "owner of account " + id);
                insert.executeUpdate();
            }
        }
        connection.commit();
    }

    private static void transfer(Connection connection, int accounts) throws SQLException {
        for (int from = 0; from < accounts; from++) {
            int to = (int) ((from * 7_919L + 13) % accounts);
            if (balance(connection, from) >= 10) {
                add(connection, from, -10);
                add(connection, to, 10);
            }
            connection.commit();
        }
    }

    private static long balance(Connection connection, int id) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SELECT balance FROM account WHERE id = ?")) {
            query.setInt(1, id);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    private static void add(Connection connection, int id, int amount) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("UPDATE account SET balance = balance + ? WHERE id = ?")) {
            update.setInt(1, amount);
            update.setInt(2, id);
            update.executeUpdate();
        }
    }

    private static long sumOfBranches(Connection connection) throws SQLException {
        long sum = 0;
        try (Statement query = connection.createStatement();
                ResultSet rows = query.executeQuery("SELECT branch, SUM(balance), COUNT(DISTINCT owner) FROM account GROUP BY branch ORDER BY 2")) {
            while (rows.next()) {
                sum += rows.getLong(2);
            }
        }
        return sum;
    }
}
