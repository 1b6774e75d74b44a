//! `$metadata`: the entity data model of the visible tables, as CSDL XML 4.0.
//!
//! Descriptions and units are annotations by the standard vocabularies. The document refers to no other
//! document, so a client needs no access to other hosts.

use super::edm::{CONTAINER, NAMESPACE, Property, properties_of_table, set_name, xml};
use crate::{ColumnInfo, TableInfo};
use std::fmt::Write;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
    <edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\n\
    <edmx:DataServices>\n";
const TAIL: &str = "</edmx:DataServices>\n</edmx:Edmx>\n";

const DESCRIPTION: &str = "Org.OData.Core.V1.Description";
const UNIT: &str = "Org.OData.Measures.V1.Unit";

/// The document for `tables`, which are those that the caller sees.
pub fn document(tables: &[TableInfo]) -> String {
    let mut text = String::from(HEAD);
    let mut push = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    push(format!(
        "<Schema Namespace=\"{NAMESPACE}\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">"
    ));
    tables.iter().for_each(|info| push(entity_type(info)));
    push(format!("<EntityContainer Name=\"{CONTAINER}\">"));
    for info in tables {
        let name = xml(&set_name(&info.schema, &info.table));
        push(format!("<EntitySet Name=\"{name}\" EntityType=\"{NAMESPACE}.{name}\"/>"));
    }
    push("</EntityContainer>\n</Schema>".to_owned());
    text + TAIL
}

fn entity_type(info: &TableInfo) -> String {
    let properties = properties_of_table(info);
    let key = key(info, &properties);
    let mut text = format!("<EntityType Name=\"{}\">", xml(&set_name(&info.schema, &info.table)));
    if !key.is_empty() {
        text.push_str("\n<Key>");
        for property in &key {
            // Writing to a text cannot fail.
            write!(text, "<PropertyRef Name=\"{}\"/>", xml(&property.name)).unwrap_or_default();
        }
        text.push_str("</Key>");
    }
    for property in &properties {
        let column = info.columns.iter().find(|it| it.name == property.column);
        text.push('\n');
        text.push_str(&property_element(property, column, key.contains(&property)));
    }
    text.push('\n');
    text.push_str(&annotation(DESCRIPTION, Some(&info.description)));
    text + "</EntityType>"
}

/// The properties of the key, if all of its columns are properties.
pub fn key<'a>(info: &TableInfo, properties: &'a [Property]) -> Vec<&'a Property> {
    let find = |column: &String| properties.iter().find(|it| it.column == *column);
    info.key.iter().map(find).collect::<Option<Vec<_>>>().unwrap_or_default()
}

fn property_element(property: &Property, column: Option<&ColumnInfo>, is_key: bool) -> String {
    let annotations = [
        annotation(DESCRIPTION, column.and_then(|it| it.description.as_deref())),
        annotation(UNIT, column.and_then(|it| it.unit.as_deref())),
    ]
    .concat();
    let nullable = if is_key { " Nullable=\"false\"" } else { "" };
    let (name, edm, facets) = (xml(&property.name), property.edm.name(), property.edm.facets());
    let head = format!("<Property Name=\"{name}\" Type=\"{edm}\"{nullable}{facets}");
    match annotations.is_empty() {
        true => head + "/>",
        false => format!("{head}>{annotations}</Property>"),
    }
}

fn annotation(term: &str, value: Option<&str>) -> String {
    let Some(value) = value.filter(|it| !it.is_empty()) else { return String::new() };
    format!("<Annotation Term=\"{term}\" String=\"{}\"/>", xml(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_key_unit_and_description() {
        let column = |name: &str, kind: &str, unit: Option<&str>| ColumnInfo {
            name: name.into(),
            type_name: kind.into(),
            unit: unit.map(str::to_owned),
            description: Some(format!("The <{name}>.")),
        };
        let info = TableInfo {
            schema: "gold".into(),
            table: "daily".into(),
            description: "Boards & days".into(),
            columns: vec![
                column("day", "date", None),
                column("value", "decimal(28,4)", Some("INR")),
                column("parts", "list(int64)", None),
            ],
            key: vec!["day".into()],
            ..TableInfo::default()
        };
        let text = document(&[info]);
        for expected in [
            "<EntityType Name=\"gold_daily\">\n<Key><PropertyRef Name=\"day\"/></Key>",
            "<Property Name=\"day\" Type=\"Edm.Date\" Nullable=\"false\">",
            "<Property Name=\"value\" Type=\"Edm.Decimal\" Precision=\"28\" Scale=\"4\">",
            "<Annotation Term=\"Org.OData.Measures.V1.Unit\" String=\"INR\"/>",
            "<Annotation Term=\"Org.OData.Core.V1.Description\" String=\"Boards &amp; days\"/>",
            "String=\"The &lt;day&gt;.\"",
            "<EntitySet Name=\"gold_daily\" EntityType=\"Cockpit.gold_daily\"/>",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert!(!text.contains("parts"), "{text}");
    }
}
