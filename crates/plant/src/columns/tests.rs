use super::*;
use proptest::prelude::*;

fn names(text: &str) -> Vec<String> {
    text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn found(text: &str) -> FileColumns {
    FileColumns::Names(names(text))
}

fn check_positions(
    headers: &str,
    file: &str,
    is_case_sensitive: bool,
    places_of: &[Option<usize>],
) {
    let headers = names(headers);
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let expected = Expected { headers: &headers, is_case_sensitive };
    assert_eq!(positions(&names(file), expected), places_of, "{headers:?} in {file}");
}

fn changes_of(headers: &str, found: &FileColumns, before: Option<&FileColumns>) -> Vec<String> {
    let headers = names(headers);
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let expected = Expected { headers: &headers, is_case_sensitive: false };
    changes(expected, found, before).iter().map(ToString::to_string).collect()
}

#[test]
fn exact_names_win_over_unique_names_in_other_case() {
    check_positions("Id,Qty", "qty, Id ,Qty", false, &[Some(1), Some(2)]);
    check_positions("Id,Qty", "ID,QTY", false, &[Some(0), Some(1)]);
    check_positions("Id,Qty", "ID,QTY", true, &[None, None]);
    check_positions("Qty,qty", "Qty,qty", false, &[Some(0), Some(1)]);
    check_positions("Qty,qty", "QTY", false, &[None, None]);
    check_positions("Qty", "QTY,qty", false, &[None]);
    check_positions("Qty,qty", "qty,QTY", false, &[Some(1), Some(0)]);
    check_positions("Größe", "GRÖSSE,GRÖßE", false, &[Some(1)]);
    check_positions("qty", "qty,qty", false, &[Some(0)]);
}

#[test]
fn a_renamed_column_is_reported_with_its_new_name() {
    let (before, after) = (found("Id,Temperature,Amps"), found("Id,Temp_C,Amps"));
    let headers = "Id,Temperature,Amps";
    assert_eq!(changes_of(headers, &before, None), [""; 0]);
    let lacks = "lacks column `Temperature`, has `Temp_C` instead";
    assert_eq!(changes_of(headers, &after, Some(&before)), [lacks]);
    assert_eq!(changes_of(headers, &after, None), [lacks]);
    assert_eq!(changes_of(headers, &after, Some(&after)), [""; 0]);
    assert_eq!(
        changes_of(headers, &before, Some(&after)),
        ["has column `Temperature` again", "no longer has column `Temp_C`"]
    );
    let translated = found("Id,Amps,Wert");
    assert_eq!(
        changes_of(headers, &translated, Some(&before)),
        ["lacks column `Temperature`, has `Wert` instead"]
    );
}

#[test]
fn new_missing_and_repeated_columns_are_changes() {
    let before = found("Id,Qty,Note");
    assert_eq!(
        changes_of("Id,Qty", &found("Id,Qty,Note,By"), Some(&before)),
        ["has a new column `By`"]
    );
    assert_eq!(changes_of("Id,Qty", &found("Id,Note"), Some(&before)), ["lacks column `Qty`"]);
    assert_eq!(
        changes_of("Id,Qty", &found("Id,Qty"), Some(&before)),
        ["no longer has column `Note`"]
    );
    assert_eq!(changes_of("Id,Qty", &before, None), [""; 0]);
    let twice = found("Id,Qty,Qty");
    let repeated = "has two columns of the same name `Qty`; the first is read";
    assert_eq!(changes_of("Id,Qty", &twice, None), [repeated]);
    assert_eq!(
        changes_of("Id,Qty", &found("id,Qty"), None),
        ["has column `Id` as `id`, which is accepted"]
    );
    assert_eq!(changes_of("Id,Qty", &found("Qty,Id"), Some(&found("Id,Qty"))), [""; 0]);
}

#[test]
fn fields_without_names_are_counted() {
    let before = FileColumns::Fields(2);
    assert_eq!(changes_of("Id,Qty", &before, None), [""; 0]);
    assert_eq!(
        changes_of("Id,Qty", &FileColumns::Fields(3), Some(&before)),
        ["has 3 fields in most records, but its contract has 2 columns"]
    );
}

#[test]
fn an_optional_key_is_missing_only_if_it_was_present() {
    let keys = |text: &str| FileColumns::Keys(names(text));
    assert_eq!(changes_of("id,reason", &keys("id"), None), [""; 0]);
    assert_eq!(
        changes_of("id,reason", &keys("id"), Some(&keys("id,reason"))),
        ["lacks column `reason`"]
    );
    assert_eq!(
        changes_of("id,reason", &keys("id,reason_code"), None),
        ["lacks column `reason`, has `reason_code` instead"]
    );
}

#[test]
fn a_change_of_the_contract_is_proposed() {
    let check = |change: Change, expected: Option<&str>| {
        assert_eq!(change.proposal().as_deref(), expected, "{change}");
    };
    let (header, name) = ("Qty".to_owned(), "Menge (Stk)".to_owned());
    check(
        Change::Missing { header: header.clone(), instead: Some(name.clone()) },
        Some("proposed: header = \"Menge (Stk)\" for the column of `Qty`"),
    );
    check(
        Change::Missing { header: header.clone(), instead: None },
        Some("proposed: remove the column of `Qty` if it does not return"),
    );
    let column = "proposed: { name = \"menge_stk\", header = \"Menge (Stk)\", type = \"text\" }";
    check(Change::New { name }, Some(column));
    let column = "proposed: { name = \"c_2nd\", header = \"2nd\", type = \"text\" }";
    check(Change::New { name: "2nd".to_owned() }, Some(column));
    check(
        Change::Fields { found: 3, expected: 2 },
        Some("proposed: a further column where the new field is"),
    );
    check(Change::Restored { header }, None);
}

proptest! {
    #[test]
    fn positions_are_unique_and_exact_names_are_found(
        headers in prop::collection::btree_set("[aAbB]{1,2}", 1..6),
        file in prop::collection::vec("[aAbB]{1,2}", 0..8),
    ) {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let expected = Expected { headers: &headers, is_case_sensitive: false };
        let positions = positions(&file, expected);
        let mut taken: Vec<usize> = positions.iter().flatten().copied().collect();
        taken.sort_unstable();
        let count = taken.len();
        taken.dedup();
        prop_assert_eq!(taken.len(), count);
        for (header, place) in headers.iter().zip(&positions) {
            let exact = file.iter().position(|name| name == header);
            prop_assert!(exact.is_none() || exact == *place);
            if let Some(place) = place {
                prop_assert_eq!(file[*place].to_lowercase(), header.to_lowercase());
            }
        }
    }

    #[test]
    fn unchanged_columns_are_not_a_change(
        headers in prop::collection::btree_set("[a-d]{1,2}", 1..6),
        file in prop::collection::vec("[a-d]{1,2}", 0..8),
    ) {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let expected = Expected { headers: &headers, is_case_sensitive: false };
        let found = FileColumns::Names(file);
        prop_assert_eq!(changes(expected, &found, Some(&found)), []);
    }
}
