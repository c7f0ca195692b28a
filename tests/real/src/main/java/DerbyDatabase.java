import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;

/** Derby in memory, whose statements have finalizers: inserts, queries, deletes. Arguments: {@code SECONDS}. */
public final class DerbyDatabase {
    private static final String URL = "jdbc:derby:memory:database";
    private static final int ROWS = 5000;
    private static final AtomicInteger NEXT = new AtomicInteger();

    private DerbyDatabase() {}

    public static void main(String[] args) throws Exception {
        try (Connection connection = DriverManager.getConnection(URL + ";create=true");
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(200))");
        }
        Load.run(args[0], 4, DerbyDatabase::work);
    }

    private static void work() throws Exception {
        try (Connection connection = DriverManager.getConnection(URL)) {
            for (int i = 0; i < 50; i++) {
                int id = NEXT.incrementAndGet();
                update(connection, "INSERT INTO item VALUES (?, 'an item')", id);
                update(connection, "DELETE FROM item WHERE id = ?", id - ROWS);
                try (Statement statement = connection.createStatement();
                        ResultSet rows = statement.executeQuery("SELECT name FROM item WHERE id = " + id % 500)) {
                    while (rows.next()) {
                        rows.getString(1);
                    }
                }
            }
        }
    }

    private static void update(Connection connection, String sql, int id) throws Exception {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setInt(1, id);
            statement.executeUpdate();
        }
    }
}
