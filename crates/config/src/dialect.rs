//! Statements of a plant that Apache Spark reads differently from the program, with the remedy.
//!
//! Statements are rewritten for Spark where that keeps their meaning (the order of nulls, types of integers, `concat`,
//! the epoch of a time); these are not reported.

use crate::diagnostic::Diagnostic;
use crate::folder::Plant;

/// Functions and keywords that Spark lacks or reads with another meaning, and what to write instead.
const OF_THE_PROGRAM: [(&str, &str); 8] = [
    ("approx_percentile_cont", "Use percentile_cont, or count ranks."),
    ("arrow_cast", "Use CAST."),
    ("date_bin", "Use date_trunc."),
    ("exclude", "List the columns."),
    ("first_value", "Use min, max, or row_number in a subquery."),
    ("last_value", "Use min, max, or row_number in a subquery."),
    ("qualify", "Filter in an outer SELECT."),
    ("to_char", "Use CAST to STRING."),
];

/// The parts of all models that Spark reads differently.
pub fn differences_of_spark(plant: &Plant) -> Vec<Diagnostic> {
    let models = plant.models.iter();
    let mut found: Vec<Diagnostic> = models
        .flat_map(|(table, model)| {
            let file = format!("{}/{}.sql", table.schema, table.name);
            differences_in(&file, &model.sql)
        })
        .collect();
    found.sort();
    found
}

fn differences_in(file: &str, sql: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (line, code) in (1..).zip(code_of(sql).lines()) {
        let words = code.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        for word in words.map(str::to_ascii_lowercase) {
            if let Some((_, remedy)) = OF_THE_PROGRAM.iter().find(|(name, _)| *name == word) {
                let message = format!("Spark reads `{word}` differently, or not at all");
                found.push(diagnostic(file, line, message, remedy));
            }
        }
        if code.contains('"') {
            let message = "double quotes enclose a text in Spark and a name in the program";
            let remedy = "Write names without quotes, and texts in single quotes.";
            found.push(diagnostic(file, line, message.to_owned(), remedy));
        }
    }
    found
}

fn diagnostic(file: &str, line: usize, message: String, remedy: &str) -> Diagnostic {
    Diagnostic { file: file.to_owned(), line, message, remedy: remedy.to_owned() }
}

/// A statement without comments and without the content of its texts, line for line.
fn code_of(sql: &str) -> String {
    let mut code = String::with_capacity(sql.len());
    let mut is_text = false;
    for line in sql.split_inclusive('\n') {
        for (at, sign) in line.char_indices() {
            match sign {
                '\'' => is_text = !is_text,
                '-' if !is_text && line[at..].starts_with("--") => {
                    code.push_str(if line.ends_with('\n') { "\n" } else { "" });
                    break;
                }
                '\n' => code.push('\n'),
                _ if is_text => {}
                _ => code.push(sign),
            }
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &[(usize, &str)]) {
        let found = differences_in("gold/x.sql", sql);
        let found: Vec<(usize, &str)> =
            found.iter().map(|it| (it.line, it.remedy.as_str())).collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn words_of_the_program_have_their_line_and_remedy() {
        check("-- date_bin\nSELECT\n  DATE_BIN(x, at) FROM t", &[(3, "Use date_trunc.")]);
        check("SELECT 'qualify', a -- exclude\nFROM t", &[]);
        check(
            "SELECT * EXCLUDE (a)\nFROM t QUALIFY b",
            &[(1, "List the columns."), (2, "Filter in an outer SELECT.")],
        );
    }

    #[test]
    fn a_quoted_name_is_a_text_in_spark() {
        check(
            "SELECT \"a\" FROM t",
            &[(1, "Write names without quotes, and texts in single quotes.")],
        );
        check("SELECT 'say \"a\"' FROM t", &[]);
    }

    #[test]
    fn the_reference_plant_means_the_same_on_spark() {
        let texts = crate::folder::texts(None).unwrap();
        let (plant, _) = crate::folder::read(&texts);
        assert_eq!(differences_of_spark(&plant.unwrap()), []);
    }
}
