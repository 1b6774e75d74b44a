import java.sql.*;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads tables by pgjdbc and prints each as its name behind a form feed and CSV, with \N for null. Before, it
 * makes every call about the catalogue that JDBC has, and prints those that fail to the standard error.
 */
public class SqlDoors {
    interface Call {
        ResultSet make() throws SQLException;
    }

    static List<String> failed = new ArrayList<>();

    public static void main(String[] args) throws SQLException {
        try (Connection connection = DriverManager.getConnection(args[0], args[1], args[2])) {
            connection.setReadOnly(true);
            describe(connection, args[3]);
            statements(connection, args[3]);
            connection.setAutoCommit(false);
            for (int at = 3; at < args.length; at++) print(connection, args[at]);
            connection.commit();
        }
        failed.forEach(System.err::println);
        System.exit(failed.isEmpty() ? 0 : 1);
    }

    /** Makes a call and reads all of its rows, of which there must be at least a number. */
    static void check(String name, int least, Call call) {
        try (ResultSet rows = call.make()) {
            int count = 0;
            while (rows != null && rows.next()) {
                count++;
                for (int at = 1; at <= rows.getMetaData().getColumnCount(); at++) rows.getString(at);
            }
            if (count < least) failed.add(name + ": " + count + " rows");
        } catch (Exception error) {
            failed.add(name + ": " + error.getMessage());
        }
    }

    static void describe(Connection connection, String first) throws SQLException {
        DatabaseMetaData meta = connection.getMetaData();
        String[] name = first.split("\\.");
        String schema = name[0], table = name[1];
        check("getTables", 5, () -> meta.getTables(null, schema, "%", new String[] {"TABLE"}));
        check("getTables of all", 5, () -> meta.getTables(null, null, "%", null));
        check("getColumns", 3, () -> meta.getColumns(null, schema, table, "%"));
        check("getPrimaryKeys", 1, () -> meta.getPrimaryKeys(null, schema, table));
        check("getImportedKeys", 0, () -> meta.getImportedKeys(null, schema, table));
        check("getExportedKeys", 0, () -> meta.getExportedKeys(null, schema, table));
        check("getCrossReference", 0, () -> meta.getCrossReference(null, schema, table, null, schema, table));
        check("getIndexInfo", 1, () -> meta.getIndexInfo(null, schema, table, true, true));
        check("getBestRowIdentifier", 1, () -> meta.getBestRowIdentifier(null, schema, table, 2, true));
        check("getVersionColumns", 0, () -> meta.getVersionColumns(null, schema, table));
        check("getCatalogs", 1, meta::getCatalogs);
        check("getSchemas", 6, meta::getSchemas);
        check("getTableTypes", 1, meta::getTableTypes);
        check("getTypeInfo", 10, meta::getTypeInfo);
        check("getProcedures", 0, () -> meta.getProcedures(null, null, "version%"));
        check("getProcedureColumns", 0, () -> meta.getProcedureColumns(null, null, "version%", "%"));
        check("getFunctions", 0, () -> meta.getFunctions(null, null, "version%"));
        check("getFunctionColumns", 0, () -> meta.getFunctionColumns(null, null, "version%", "%"));
        check("getColumnPrivileges", 1, () -> meta.getColumnPrivileges(null, schema, table, "%"));
        check("getTablePrivileges", 1, () -> meta.getTablePrivileges(null, schema, table));
        check("getUDTs", 0, () -> meta.getUDTs(null, schema, "%", null));
        check("getSQLKeywords", 0, () -> keywords(meta));
    }

    static ResultSet keywords(DatabaseMetaData meta) throws SQLException {
        if (meta.getSQLKeywords().isEmpty()) throw new SQLException("no keywords");
        meta.getMaxColumnNameLength();
        return null;
    }

    static void statements(Connection connection, String table) {
        check("parameters", 1, () -> {
            PreparedStatement statement = connection.prepareStatement(
                "SELECT count(*) FROM " + table + " WHERE ? < ?::bigint OR now() > ? OR 'x' = ANY(?)");
            statement.setLong(1, 1);
            statement.setLong(2, 2);
            statement.setTimestamp(3, new Timestamp(0));
            statement.setArray(4, connection.createArrayOf("text", new String[] {"x", "y"}));
            return statement.executeQuery();
        });
        // From the fifth execution on, pgjdbc uses a named statement and binary values.
        check("repeated", 0, () -> {
            PreparedStatement statement = connection.prepareStatement(
                "SELECT ?::bigint + 1, now(), current_date, 1.5::numeric(10,2), true, 0.25::float8, 'é'");
            for (int at = 0; at < 8; at++) {
                statement.setLong(1, at);
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    if (row.getLong(1) != at + 1 || row.getDouble(6) != 0.25) throw new SQLException("values");
                    row.getTimestamp(2);
                    row.getDate(3);
                    row.getBigDecimal(4);
                }
            }
            return null;
        });
        check("most rows", 3, () -> {
            Statement statement = connection.createStatement();
            statement.setQueryTimeout(20);
            statement.setMaxRows(3);
            return statement.executeQuery("SELECT * FROM " + table);
        });
        check("savepoint", 0, () -> {
            connection.setAutoCommit(false);
            connection.rollback(connection.setSavepoint("a"));
            connection.commit();
            connection.setAutoCommit(true);
            return null;
        });
    }

    static void print(Connection connection, String table) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM " + table)) {
            statement.setFetchSize(500);
            ResultSet rows = statement.executeQuery();
            ResultSetMetaData meta = rows.getMetaData();
            StringBuilder text = new StringBuilder("\f" + table + "\n");
            for (int at = 1; at <= meta.getColumnCount(); at++) {
                text.append(at > 1 ? "," : "").append(meta.getColumnName(at));
            }
            while (rows.next()) {
                text.append('\n');
                for (int at = 1; at <= meta.getColumnCount(); at++) {
                    String value = rows.getString(at);
                    String shown = value == null ? "\\N" : "\"" + value.replace("\"", "\"\"") + "\"";
                    text.append(at > 1 ? "," : "").append(shown);
                }
            }
            System.out.println(text);
        }
    }
}
