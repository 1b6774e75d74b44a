//! The texts of the files.

use super::columns::{ColumnGuess, Type};
use super::{DetectedTable, Layout, Starter};
use std::fmt::Write as _;

/// Numeric columns that the gold table sums.
const SUMS: usize = 8;

/// A text as a TOML string, which is escaped as in JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `plant.toml`.
pub fn plant(starter: &Starter<'_>, bucket: &str) -> String {
    format!(
        "#:schema .schema/plant.json\n\
         # A plant: its name, its time zone, and where its data is. `cockpit check` reports mistakes,\n\
         # `cockpit config` prints all settings.\n\n\
         name = {name}\n\
         description = \"\"\n\
         # IANA time zone of the plant, such as \"Europe/Berlin\": times without an offset are read in it.\n\
         zone = \"UTC\"\n\
         # ISO 4217 code of the money in the dumps.\n\
         currency = \"\"\n\n\
         # Where the dumps are (s3://, gs://, az:// or a path), and where the lake is written.\n\
         bucket = {bucket}\n\
         lake = {lake}\n\n\
         # Shifts, plant time. A production day begins with the first shift.\n\
         # [[shift]]\n\
         # name = \"A\"\n\
         # start = \"06:00\"\n\
         # end = \"14:00\"\n\n\
         # Equipment: lines and units; `stations` are the names of a unit in the data.\n\
         # [[line]]\n\
         # name = \"Line 1\"\n\
         #\n\
         # [[unit]]\n\
         # name = \"PRESS-1\"\n\
         # line = \"Line 1\"\n\
         # stations = [\"PRESS-1\"]\n",
        name = quoted(starter.plant),
        bucket = quoted(bucket),
        lake = quoted(&format!("{}/lake", starter.folder)),
    )
}

/// `bronze/<table>.toml`.
pub fn contract(table: &DetectedTable) -> String {
    let origin = table.url.as_ref().unwrap_or(&table.path);
    let mut text = format!(
        "#:schema ../.schema/contract.json\n\
         # How the records of this table are read. Detected from a sample: check the types and the key.\n\n\
         description = {description}\n\
         # The system that the records come from.\n\
         source = \"file\"\n",
        description = quoted(&format!("Rows of {}.", origin)),
    );
    if table.url.is_none() {
        let _infallible = write!(
            text,
            "# Names of the files below the bucket; {{date}} and * stand for what varies.\npaths = [{}]\n",
            quoted(&table.path)
        );
    }
    text += &layout(table);
    text += if table.key.is_empty() {
        "# No columns identify a row: a newer file replaces all older ones.\nsupersede = \"dump\"\n"
    } else {
        "# A newer row replaces the one with the same key (silver); \"dump\": a newer file replaces all.\n\
         supersede = \"key\"\n"
    };
    if !table.nulls.is_empty() {
        let nulls: Vec<String> = table.nulls.iter().map(|null| quoted(null)).collect();
        let _infallible = writeln!(text, "nulls = [\"\", {}]", nulls.join(", "));
    }
    text += "\n# `required = true` rejects a row without a value; `on_error = \"null\"` keeps a row with an invalid one.\n\
             columns = [\n";
    let day = table.columns.iter().position(is_day);
    for (at, column) in table.columns.iter().enumerate() {
        let is_required = table.key.contains(&at);
        text += &contract_column(column, is_required, day == Some(at));
    }
    for path in &table.left_out {
        let _infallible =
            writeln!(text, "    # {} is an array: it is kept as JSON in _rest.", one_line(path));
    }
    text += "]\n";
    if let Some(url) = &table.url {
        let _infallible = write!(
            text,
            "\n# Requests; add auth, secret and pages as the interface needs them.\n[http]\nurl = {}\n\
             every = \"5 min\"\n",
            quoted(url)
        );
    }
    text
}

/// The lines about the format.
fn layout(table: &DetectedTable) -> String {
    let encoding = format!("encoding = {}\n", quoted(table.encoding));
    match &table.layout {
        Layout::Parquet => "format = \"parquet\"\n".to_owned(),
        Layout::Lines => format!(
            "format = \"tokens\"\n{encoding}# Named groups are the columns: write one for each part of a line.\n\
             pattern = '(?<line>.+)'\n"
        ),
        Layout::JsonLines => format!("format = \"json_lines\"\n{encoding}"),
        Layout::JsonArray { records: None } => format!("format = \"json_array\"\n{encoding}"),
        Layout::JsonArray { records: Some(path) } => format!(
            "format = \"json_array\"\n# Path of the array of records in the document.\nrecords = {}\n{encoding}",
            quoted(path)
        ),
        Layout::Delimited { delimiter, has_header, skip_lines, has_comments } => {
            let delimiter = quoted(&delimiter.to_string());
            let mut text = format!(
                "format = \"delimited\"\n{encoding}delimiter = {delimiter}\nheader = {has_header}\n"
            );
            if *skip_lines > 0 {
                let _infallible = writeln!(text, "skip_lines = {skip_lines}");
            }
            if *has_comments {
                text += "# Comments.\nskip_pattern = \"^#\"\n";
            }
            text
        }
    }
}

/// The keys of a type.
pub fn type_keys(kind: &Type) -> String {
    match kind {
        Type::Text => "type = \"text\"".to_owned(),
        Type::Int => "type = \"int\"".to_owned(),
        Type::Bool => "type = \"bool\"".to_owned(),
        Type::Float(decimal, thousands) => {
            let thousands =
                thousands.map(|sign| format!(", thousands = \"{sign}\"")).unwrap_or_default();
            format!("type = \"float\", decimal = \"{decimal}\"{thousands}")
        }
        Type::Date(formats) => format!("type = \"date\", formats = {}", list(formats)),
        Type::Time(formats) => format!("type = \"time\", formats = {}", list(formats)),
    }
}

fn contract_column(column: &ColumnGuess, is_required: bool, is_local: bool) -> String {
    let ColumnGuess { name, header, .. } = column;
    let mut kind = type_keys(&column.kind);
    if is_local && matches!(column.kind, Type::Time(_)) {
        kind += ", local = true";
    }
    let required = if is_required { ", required = true" } else { "" };
    let (header, description) = (quoted(header), quoted(&format!("{}.", header.trim())));
    format!(
        "    {{ name = \"{name}\", header = {header}, {kind}{required}, description = {description} }},\n"
    )
}

/// Texts as a TOML array.
fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// Whether a column is or has a day, by which rows are summed.
fn is_day(column: &ColumnGuess) -> bool {
    matches!(column.kind, Type::Date(_) | Type::Time(_))
}

/// The unit of a column in the header of a model; numbers need one.
fn unit(table: &DetectedTable, at: usize) -> &'static str {
    match table.columns[at].kind {
        Type::Int if table.key.contains(&at) => " [id]",
        Type::Int | Type::Float(..) => " [1]",
        _ => "",
    }
}

/// A text as the end of a line of a comment.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `silver/<table>.sql`.
pub fn silver(table: &DetectedTable) -> String {
    let name = &table.name;
    let mut text = format!(
        "-- Rows of {}, with types. Replace [1] by the unit of each number, such as [mm] or [s].\n--\n",
        table.path
    );
    if !table.key.is_empty() {
        let key: Vec<&str> = table.key.iter().map(|at| table.columns[*at].name.as_str()).collect();
        let _infallible = writeln!(text, "-- key: {}", key.join(", "));
    }
    let mut selected = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        let (unit, header) = (unit(table, at), one_line(&column.header));
        let _infallible = writeln!(text, "-- column {}{unit}: {header}.", column.name);
        selected.push(format!("    {}", column.name));
    }
    if let Some(day) = day_expression(table) {
        text += "-- column day_local: Day, plant time.\n";
        selected.push(format!("    {day} AS day_local"));
    }
    let _infallible = write!(text, "SELECT\n{}\nFROM typed.{name}\n", selected.join(",\n"));
    text
}

/// The day of a row in the typed table, if it has one.
fn day_expression(table: &DetectedTable) -> Option<String> {
    let column = table.columns.iter().find(|column| is_day(column))?;
    match column.kind {
        Type::Time(_) => Some(format!("{}_day_local", column.name)),
        _ => Some(column.name.clone()),
    }
}

/// The numeric columns that can be summed, with their positions.
fn sums(table: &DetectedTable) -> impl Iterator<Item = &ColumnGuess> {
    let columns = table.columns.iter().enumerate();
    let is_summed =
        |(at, column): &(usize, &ColumnGuess)| column.is_number() && !table.key.contains(at);
    columns.filter(is_summed).map(|(_, column)| column).take(SUMS)
}

/// The name of the gold table.
pub fn gold_name(table: &DetectedTable) -> String {
    let ending = if day_expression(table).is_some() { "daily" } else { "total" };
    format!("{}_{ending}", table.name)
}

/// `gold/<table>_daily.sql`, or `_total` if no row has a day.
pub fn gold(table: &DetectedTable) -> String {
    let name = &table.name;
    let mut text = match day_expression(table) {
        Some(_) => format!(
            "-- Sums of {name} by day, plant time.\n--\n-- grain: day_local\n-- refresh: day_local\n\
             -- column day_local: Day, plant time.\n"
        ),
        None => format!(
            "-- Sums of {name}.\n--\n-- grain: scope\n-- column scope: What is summed: all rows.\n"
        ),
    };
    text += "-- column records [1]: Rows.\n";
    let mut selected = vec!["count(*) AS records".to_owned()];
    for ColumnGuess { name, header, .. } in sums(table) {
        let _infallible = writeln!(text, "-- column {name}_sum [1]: Sum of {}.", one_line(header));
        let _infallible =
            writeln!(text, "-- column {name}_count [1]: Rows with {}.", one_line(header));
        selected.push(format!("sum({name}) AS {name}_sum"));
        selected.push(format!("count({name}) AS {name}_count"));
    }
    let selected = selected.join(",\n    ");
    let statement = match day_expression(table) {
        Some(_) => format!(
            "SELECT\n    day_local,\n    {selected}\nFROM silver.{name}\nWHERE day_local IS NOT NULL\n\
             GROUP BY day_local\n"
        ),
        None => format!("SELECT\n    'all' AS scope,\n    {selected}\nFROM silver.{name}\n"),
    };
    text + &statement
}

/// `kpis.toml`: the mean of a number, or the share of rows if there is none.
pub fn kpis(table: &DetectedTable) -> String {
    // A number with a fraction is more likely a measurement than a whole one, which may be an identifier.
    let measured = sums(table).find(|column| matches!(column.kind, Type::Float(..)));
    let (name, title, formula, numerator, denominator) = match measured.or(sums(table).last()) {
        Some(ColumnGuess { name, header, .. }) => (
            format!("{name}_mean"),
            format!("Mean of {}", one_line(header)),
            format!("sum of {name} / rows with {name}"),
            format!("{name}_sum"),
            format!("{name}_count"),
        ),
        None => (
            "complete_rows".to_owned(),
            "Complete rows".to_owned(),
            "rows / rows".to_owned(),
            "records".to_owned(),
            "records".to_owned(),
        ),
    };
    format!(
        "#:schema .schema/kpis.json\n\
         # KPIs: numerator and denominator are SQL over the columns of a gold table. Columns are summed over\n\
         # time and equipment first and divided last, so the KPI of a week is not the mean of its days.\n\n\
         [[kpi]]\n\
         name = {name}\n\
         title = {title}\n\
         table = \"gold.{table}\"\n\
         formula = {formula}\n\
         numerator = {numerator}\n\
         denominator = {denominator}\n\
         # What a denominator of 0 means.\n\
         none = \"no rows\"\n\
         # \"%\" for a share, whose value is a number from 0 to 1.\n\
         unit = \"1\"\n\
         better = \"higher\"\n\
         source = \"this plant\"\n",
        name = quoted(&name),
        title = quoted(&title),
        table = gold_name(table),
        formula = quoted(&formula),
        numerator = quoted(&numerator),
        denominator = quoted(&denominator),
    )
}
