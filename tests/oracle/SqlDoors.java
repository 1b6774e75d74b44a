import java.sql.*;

/** Reads a table by pgjdbc and prints it as CSV, with \N for null. Reads its columns and key, too. */
public class SqlDoors {
    public static void main(String[] args) throws SQLException {
        String[] name = args[3].split("\\.");
        try (Connection connection = DriverManager.getConnection(args[0], args[1], args[2])) {
            connection.setReadOnly(true);
            connection.setAutoCommit(false);
            DatabaseMetaData meta = connection.getMetaData();
            StringBuilder found = new StringBuilder();
            try (ResultSet columns = meta.getColumns(null, name[0], name[1], "%")) {
                while (columns.next()) found.append(columns.getString("COLUMN_NAME")).append(',');
            }
            try (ResultSet keys = meta.getPrimaryKeys(null, name[0], name[1])) {
                while (keys.next()) keys.getString("COLUMN_NAME");
            }
            try (ResultSet tables = meta.getTables(null, name[0], "%", new String[] {"TABLE"})) {
                if (!tables.next()) throw new SQLException("no tables");
            }
            try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM " + args[3])) {
                statement.setFetchSize(50);
                print(statement.executeQuery(), found.toString());
            }
            connection.commit();
        }
    }

    private static void print(ResultSet rows, String found) throws SQLException {
        ResultSetMetaData meta = rows.getMetaData();
        StringBuilder names = new StringBuilder();
        for (int at = 1; at <= meta.getColumnCount(); at++) names.append(meta.getColumnName(at)).append(',');
        if (!names.toString().equals(found)) throw new SQLException(found + " but " + names);
        System.out.println(names.substring(0, names.length() - 1));
        while (rows.next()) {
            StringBuilder line = new StringBuilder();
            for (int at = 1; at <= meta.getColumnCount(); at++) {
                String value = rows.getString(at);
                String text = value == null ? "\\N" : "\"" + value.replace("\"", "\"\"") + "\"";
                line.append(at > 1 ? "," : "").append(text);
            }
            System.out.println(line);
        }
    }
}
