//! KPIs in statements: `kpi(oee)` is replaced by the formula of `kpis.toml`, so that a report cannot define it differently.

use crate::kpi::{Kpi, Ratio};

/// What a statement takes of a KPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KpiPart {
    /// The value, null if it is unknown.
    Value,
    /// The least it can be; the value if the KPI has no bounds.
    Low,
    /// The greatest it can be; the value if the KPI has no bounds.
    High,
    /// The reason why there is no value; null if there is one.
    Unknown,
}

/// The functions by their names in statements.
const PARTS: [(&str, KpiPart); 4] = [
    ("kpi", KpiPart::Value),
    ("kpi_low", KpiPart::Low),
    ("kpi_high", KpiPart::High),
    ("kpi_unknown", KpiPart::Unknown),
];

/// The call at the beginning of a text whose first word is `word`: its part, the name of the KPI, its length in
/// bytes.
pub fn call<'t>(rest: &'t str, word: &str) -> Option<(KpiPart, &'t str, usize)> {
    let (_, part) = PARTS.iter().find(|(name, _)| *name == word)?;
    let arguments = rest[word.len()..].strip_prefix('(')?;
    let end = arguments.find(')')?;
    Some((*part, arguments[..end].trim(), word.len() + end + 2))
}

/// The expression over the summed columns of the KPI's table, on one line.
pub fn expression(part: KpiPart, kpi: &Kpi) -> String {
    let of = |bound: &Option<Ratio>| divided(kpi, bound.as_ref().unwrap_or(&kpi.ratio));
    let text = match part {
        KpiPart::Value => divided(kpi, &kpi.ratio),
        KpiPart::Low => of(&kpi.low),
        KpiPart::High => of(&kpi.high),
        KpiPart::Unknown => reason(kpi),
    };
    text.replace('\n', " ")
}

/// A ratio that is null where the KPI is unknown or the denominator is 0.
fn divided(kpi: &Kpi, ratio: &Ratio) -> String {
    let Ratio { numerator, denominator } = ratio;
    let ratio = format!(
        "CAST(({numerator}) AS DOUBLE) / nullif(CAST(({denominator}) AS DOUBLE), CAST(0 AS DOUBLE))"
    );
    let conditions: Vec<String> = kpi.unknown.iter().map(|(when, _)| format!("({when})")).collect();
    match conditions.is_empty() {
        true => format!("({ratio})"),
        false => format!("(CASE WHEN {} THEN NULL ELSE {ratio} END)", conditions.join(" OR ")),
    }
}

fn reason(kpi: &Kpi) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let reasons =
        kpi.unknown.iter().map(|(when, say)| format!("WHEN {when} THEN {} ", quoted(say)));
    let (reasons, none) = (reasons.collect::<String>(), quoted(&kpi.none));
    format!("(CASE {reasons}WHEN ({}) = 0 THEN {none} END)", kpi.ratio.denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yielded(unknown: &[(&str, &str)]) -> Kpi {
        let ratio = |numerator: &str, denominator: &str| Ratio {
            numerator: numerator.to_owned(),
            denominator: denominator.to_owned(),
        };
        Kpi {
            name: "yield".to_owned(),
            title: String::new(),
            set: String::new(),
            table: crate::model::TableName::new("gold", "t"),
            by_hour: None,
            formula: String::new(),
            ratio: ratio("gq", "pq - u"),
            low: None,
            high: Some(ratio("gq + u", "pq")),
            unknown: unknown.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            none: "it's empty".to_owned(),
            unit: "%".to_owned(),
            is_higher_better: true,
            source: String::new(),
            caveat: String::new(),
            against: None,
            line: 1,
        }
    }

    #[test]
    fn calls_are_recognised_with_their_length() {
        assert_eq!(call("kpi(oee) as x", "kpi"), Some((KpiPart::Value, "oee", 8)));
        assert_eq!(call("kpi_low( oee )", "kpi_low"), Some((KpiPart::Low, "oee", 14)));
        assert_eq!(call("kpi from t", "kpi"), None);
        assert_eq!(call("sum(oee)", "sum"), None);
    }

    #[test]
    fn expressions_divide_and_are_null_where_unknown() {
        let kpi = yielded(&[]);
        let zero = "CAST(0 AS DOUBLE)";
        assert_eq!(
            expression(KpiPart::Low, &kpi),
            format!("(CAST((gq) AS DOUBLE) / nullif(CAST((pq - u) AS DOUBLE), {zero}))")
        );
        let kpi = yielded(&[("u = pq\nAND pq > 0", "no verdicts")]);
        assert_eq!(
            expression(KpiPart::High, &kpi),
            format!(
                "(CASE WHEN (u = pq AND pq > 0) THEN NULL ELSE \
                 CAST((gq + u) AS DOUBLE) / nullif(CAST((pq) AS DOUBLE), {zero}) END)"
            )
        );
        assert_eq!(
            expression(KpiPart::Unknown, &kpi),
            "(CASE WHEN u = pq AND pq > 0 THEN 'no verdicts' WHEN (pq - u) = 0 THEN 'it''s empty' END)"
        );
    }
}
