use super::*;
use crate::alarms::{AlarmRules, duration_us, replace_rule, unified_diff};
use crate::diagnostic::Diagnostic;
use crate::folder;
use crate::settings::Origin;
use plant::alarm::{Condition, Direction, SuppressionCause};

/// A rule of kind `temperature` in six lines; more keys can follow.
const RULE: &str = "[[rule]]\nname = \"hot\"\nkind = \"temperature\"\npriority = 2\n\
                    owner = \"line leader\"\ntext = \"Hot\"\nresponse = \"Look\"\n";

/// The reference plant, with a unit that has a lane.
fn plant() -> Plant {
    let mut texts = folder::texts(None).unwrap();
    let text = texts.get_mut("plant.toml").unwrap();
    text.push_str("\n[[unit]]\nname = \"Oven\"\nline = \"Assembly\"\nlanes = [\"Plant1.4\"]\n");
    folder::read(&texts).0.unwrap()
}

fn loaded(text: &str) -> AlarmRules {
    plant().alarms_from(text).rules
}

/// Reads the rule with more keys, and checks line, text and remedy of its only problem.
#[track_caller]
fn check(more: &str, line: usize, message: &str, remedy: &str) {
    let rules = loaded(&format!("{RULE}{more}"));
    let found: Vec<String> = rules.problems.iter().map(|it| it.diagnostic.to_string()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let Diagnostic { line: found_line, message: text, remedy: found_remedy, .. } =
        &rules.problems[0].diagnostic;
    assert_eq!(*found_line, line, "{found:?}");
    assert!(text.contains(message) && found_remedy.contains(remedy), "{found:?}");
    assert_eq!(rules.problems[0].rule.as_deref(), Some("hot"));
    assert_eq!(rules.rules[0].rule.is_none(), !rules.problems[0].is_warning);
}

#[test]
fn a_rule_is_read_with_its_defaults() {
    let rules = loaded(&format!("{RULE}above = \"temperature.limit_c\"\n"));
    assert_eq!(rules.problems, []);
    let rule = rules.valid().next().unwrap();
    assert_eq!((rule.priority.number(), rule.unit.as_str()), (2, "degC"));
    assert_eq!(rule.shelving.max_us, 8 * 3_600_000_000);
    assert!(rule.is_enabled && !rule.sound && !rule.timing.latching);
    let comparison = rule.condition.comparison().unwrap();
    assert_eq!((comparison.direction, comparison.limit), (Direction::Above, 50.0));
}

#[test]
fn every_mistake_has_its_line_and_remedy() {
    check("above = 1\non_delay = 30\n", 9, "`on_delay` has no unit", "\"30 s\"");
    check("above = 1\noff_delay = \"30 sec\"\n", 9, "invalid duration `30 sec`", "ms, s, min");
    check("above = 1\ndeadbnad = 1\n", 9, "unknown key `deadbnad`", "`deadband`");
    check("above = 3\ndeadband = 5\n", 9, "limit 3 is below its deadband 5", "at most 3");
    check("below = -3\ndeadband = 5\n", 9, "limit -3 is below its deadband 5", "at most 3");
    check("above = 1\ndeadband = -1\n", 9, "invalid deadband", "at least 0");
    check("above = 1\nbelow = 2\n", 9, "expected one limit", "above = NUMBER");
    check("", 1, "expected one limit", "above = NUMBER");
    check("above = \"temperature.limit\"\n", 8, "invalid limit", "temperature.limit_c");
    check("above = 1\nsensors = \"Plant1.*\"\n", 9, "invalid sensors `Plant1.*`", "reflow_oven");
    check("above = 1\nsuppress_while = \"nat\"\n", 9, "unknown suppression `nat`", "Known here");
    check("above = 1\nsuppress_while = \"hot\"\n", 9, "unknown suppression `hot`", "Known here");
    check("above = 1\ncause = { ml = \"x\" }\n", 9, "no English text", "en =");
    check(
        "above = 1\ncause = { english = \"x\", en = \"x\" }\n",
        9,
        "`cause` is not",
        "by language",
    );
    check("above = 1\nshelve_max = \"400 d\"\n", 9, "invalid duration `400 d`", "at most 366 d");
}

#[test]
fn mistakes_in_common_keys_are_found() {
    let check = |from: &str, to: &str, line: usize, message: &str| {
        let rules = loaded(&format!("{RULE}above = 1\n").replace(from, to));
        let found: Vec<&Diagnostic> = rules.mistakes().collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].line, line, "{found:?}");
        assert!(found[0].message.contains(message), "{found:?}");
        assert_eq!(rules.valid().count(), 0);
    };
    check("priority = 2", "priority = 5", 4, "invalid priority 5");
    check("priority = 2\n", "", 1, "`priority` is missing");
    check("\"temperature\"", "\"temprature\"", 3, "invalid kind `temprature`");
    check("name = \"hot\"", "name = \"Too hot\"", 2, "invalid name `Too hot`");
    check("response = \"Look\"\n", "", 1, "`response` is missing");
    check("owner = \"line leader\"\n", "", 1, "`owner` is missing");
}

#[test]
fn kinds_have_their_own_checks() {
    let check = |kind: &str, line: usize, message: &str| {
        let text = RULE.replace("\"temperature\"", kind);
        let rules = loaded(&text);
        let found: Vec<&Diagnostic> = rules.mistakes().collect();
        let is_found = |it: &&Diagnostic| it.line == line && it.to_string().contains(message);
        assert!(found.iter().copied().any(|it| is_found(&it)), "{kind}: {found:?}");
    };
    check("\"kpi\"\nkpi = \"oeee\"\nbelow = 50", 4, "unknown KPI `oeee`\n    Did you mean `oee`");
    check("\"kpi\"\nkpi = \"oee\"\nbelow = 0.5", 5, "Write percent: below = 50");
    check("\"kpi\"\nkpi = \"oee\"\nbelow = 5\nby = \"area\"", 6, "invalid by `area`");
    check("\"count\"\nabove = 50\nmore_than = 3", 1, "`window` is missing");
    check("\"count\"\nabove = 50\nwindow = \"1 min\"", 1, "`more_than` is missing");
    check("\"silent\"", 1, "`after` is missing");
    check("\"silent\"\nafter = \"0 s\"", 4, "invalid duration 0");
    check("\"sql\"\nabove = 1", 1, "`sql` is missing");
    check("\"sql\"\nsql = \"SELECT 1\"\nevery = \"1 ms\"\nabove = 1", 5, "`every` is too short");
}

#[test]
fn a_pattern_that_matches_nothing_is_a_warning() {
    check("above = 1\nsensors = \"Plant2.*.*.*\"\n", 1, "matches no lane", "add the lane");
    let text =
        RULE.replace("\"temperature\"", "\"dump_late\"\nabove = 30\nobjects = \"prodution\"");
    let rules = loaded(&text);
    assert!(rules.warnings().next().unwrap().message.contains("matches nothing"));
    assert_eq!((rules.mistakes().count(), rules.valid().count()), (0, 1));
}

#[test]
fn a_faulty_rule_is_left_out_and_the_others_work() {
    let second = RULE.replace("\"hot\"", "\"cold\"");
    let text = format!("{RULE}above = 1\n\n{RULE}above = 2\n\n{second}below = 3\n");
    let rules = loaded(&text);
    let names: Vec<&str> = rules.valid().map(|rule| &*rule.name).collect();
    assert_eq!(names, ["hot", "cold"]);
    let mistakes: Vec<(usize, &str)> =
        rules.mistakes().map(|it| (it.line, it.message.as_str())).collect();
    assert_eq!(mistakes, [(11, "two rules are named `hot`")]);
    assert_eq!(rules.rules[2].line, 19);
    assert_eq!(rules.rules[2].toml, format!("{second}below = 3\n"));
}

#[test]
fn a_file_that_is_not_toml_has_no_rules() {
    let rules = loaded(&format!("{RULE}above = \n"));
    assert!(!rules.is_readable && rules.valid().count() == 0);
    assert_eq!(rules.mistakes().next().map(|it| it.line), Some(8));
    assert!(loaded("").is_readable);
}

#[test]
fn rules_are_suppressed_by_statements_and_by_rules() {
    let text = format!(
        "[[suppression]]\nname = \"idle\"\nsql = \"\"\"\nSELECT 1\"\"\"\n{RULE}above = 1\n\
         suppress_while = \"idle\"\n{}above = 2\nsuppress_while = \"hot\"\n",
        RULE.replace("\"hot\"", "\"hotter\"")
    );
    let rules = loaded(&text);
    assert_eq!(rules.problems, []);
    let causes: Vec<SuppressionCause> =
        rules.valid().map(|rule| rule.suppress_while.clone().unwrap().cause).collect();
    assert!(matches!(&causes[0], SuppressionCause::Sql(statement) if statement.sql == "SELECT 1"));
    assert_eq!(causes[1], SuppressionCause::Rule("hot".into()));
    assert_eq!(rules.suppressions[0].sql_line, 4);
}

#[test]
fn a_limit_follows_the_temperature_of_the_plant() {
    let mut plant = plant();
    plant
        .temperature
        .read_env(|name| (name == "COCKPIT_TEMP_LIMIT_C").then(|| "47.5".into()))
        .unwrap();
    assert_eq!(plant.temperature.provenance().origin("limit_c"), Origin::Environment);
    let rules = plant.alarms_from(&format!("{RULE}above = \"temperature.limit_c\"\n")).rules;
    let Condition::Temperature { comparison, .. } = rules.valid().next().unwrap().condition.clone()
    else {
        panic!("another kind");
    };
    assert!((comparison.limit - 47.5).abs() < 1e-9);
}

#[test]
fn durations_need_a_unit() {
    let cases = [
        ("30 s", Some(30_000_000)),
        ("30s", Some(30_000_000)),
        ("1.5 min", Some(90_000_000)),
        ("250 ms", Some(250_000)),
        ("24 h", Some(86_400_000_000)),
        ("2 d", Some(172_800_000_000)),
        ("30", None),
        ("", None),
        ("-1 s", None),
        ("1..2 s", None),
        ("1 s 2 s", None),
        ("99999999999999999999 d", None),
    ];
    for (text, expected) in cases {
        assert_eq!(duration_us(text), expected, "{text}");
    }
}

#[test]
fn the_reference_plant_has_rules_without_problems() {
    let plant = folder::read(&folder::texts(None).unwrap()).0.unwrap();
    assert_eq!(plant.alarms.problems, []);
    assert!(plant.alarms.valid().count() >= 10);
    for rule in plant.alarms.valid() {
        for text in [&rule.text, &rule.cause, &rule.response, &rule.consequence] {
            assert_eq!(text.languages().collect::<Vec<_>>(), ["en", "hi", "ml"], "{}", rule.name);
        }
    }
    assert_eq!(plant.load_alarms(None).unwrap().rules, *plant.alarms);
}

#[test]
fn a_folder_is_loaded_again() {
    let folder = tempfile::tempdir().unwrap();
    let plant = plant();
    assert_eq!(plant.load_alarms(Some(folder.path())).unwrap().rules.valid().count(), 0);
    std::fs::write(folder.path().join(FILE), format!("{RULE}above = 1\n")).unwrap();
    let rules = plant.load_alarms(Some(folder.path())).unwrap().rules;
    assert_eq!((rules.valid().count(), rules.revision.len()), (1, 64));
    std::fs::write(folder.path().join(FILE), [0xff]).unwrap();
    assert!(plant.load_alarms(Some(folder.path())).unwrap_err().to_string().contains("UTF-8"));
}

/// Three rules with comments around and in them.
const COMMENTED: &str = "# Head.\n\n# First.\n[[rule]]\nname = \"a\" # A\n# Inside.\nabove = 1 # limit\n\n\
                         # Second.\n[[rule]]\nname = \"b\"\n[rule.text]\nen = \"B\"\n\n# Third.\n[[rule]]\n\
                         name = \"c\"\n\n# Tail.\n[notifications]\nlanguage = \"ml\"\n";

#[test]
fn a_replaced_rule_leaves_the_rest_as_it_is() {
    let edited = replace_rule(COMMENTED, "b", "[[rule]]\nname = \"b\"\nabove = 2\n").unwrap();
    let old = "[[rule]]\nname = \"b\"\n[rule.text]\nen = \"B\"\n";
    assert_eq!(edited, COMMENTED.replace(old, "[[rule]]\nname = \"b\"\nabove = 2\n"));
    let edited = replace_rule(COMMENTED, "a", "[[rule]]\nname = \"d\"").unwrap();
    let old = "[[rule]]\nname = \"a\" # A\n# Inside.\nabove = 1 # limit\n";
    assert_eq!(edited, COMMENTED.replace(old, "[[rule]]\nname = \"d\"\n"));
}

#[test]
fn rules_are_added_and_removed() {
    let added = replace_rule(COMMENTED, "d", "[[rule]]\nname = \"d\"").unwrap();
    assert_eq!(added, format!("{COMMENTED}\n[[rule]]\nname = \"d\"\n"));
    assert_eq!(
        replace_rule("", "d", "[[rule]]\nname = \"d\"").unwrap(),
        "[[rule]]\nname = \"d\"\n"
    );
    let removed = replace_rule(COMMENTED, "c", "").unwrap();
    assert_eq!(removed, COMMENTED.replace("[[rule]]\nname = \"c\"\n\n", ""));
    assert_eq!(replace_rule(&added, "d", "").unwrap(), format!("{COMMENTED}\n"));
}

#[test]
fn an_edit_that_breaks_the_file_is_refused() {
    let check = |name: &str, toml: &str, expected: &str| {
        let error = replace_rule(COMMENTED, name, toml).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("a", "[[rule]]\nname = \"b\"", "two rules would be named `b`");
    check("a", "[[rule]]\nname = \"a\"\n[[rule]]\nname = \"x\"", "found 2");
    check("a", "[[rule]]\nname = \"a\"\n[notifications]\nlanguage = \"en\"", "nothing else");
    check("a", "[[rule]]\nname = ", "not TOML");
    check("a", "[[rule]]\nabove = 1", "`name` is missing");
    check("z", "", "no rule is named `z`");
    assert!(replace_rule("[[rule", "a", "[[rule]]\nname = \"a\"").is_err());
}

#[test]
fn a_difference_has_one_hunk_with_context() {
    let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    let after = before.replace("5\n", "five\n5b\n");
    assert_eq!(
        unified_diff(FILE, before, &after),
        "--- alarms.toml\n+++ alarms.toml\n@@ -2,7 +2,8 @@\n 2\n 3\n 4\n-5\n+five\n+5b\n 6\n 7\n 8\n"
    );
    assert_eq!(unified_diff(FILE, before, before), "");
    let added = unified_diff(FILE, "", "1\n");
    assert!(added.ends_with("@@ -0,0 +1,1 @@\n+1\n"), "{added}");
}

#[test]
fn a_rule_that_is_replaced_by_itself_changes_nothing() {
    let text = folder::texts(None).unwrap()[FILE].clone();
    let rules = plant().alarms_from(&text).rules.rules;
    assert!(rules.len() >= 10);
    for rule in rules {
        assert_eq!(replace_rule(&text, &rule.name, &rule.toml).unwrap(), text, "{}", rule.name);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// A file of which a part is missing is read without a panic, and each problem has a line of it.
    #[test]
    fn a_damaged_file_has_problems_with_lines(from in 0..20_000_usize, length in 1..400_usize) {
        let text = folder::texts(None).unwrap()[FILE].clone();
        let bytes = text.char_indices().filter(|(at, _)| !(from..from + length).contains(at));
        let damaged: String = bytes.map(|(_, letter)| letter).collect();
        let lines = damaged.lines().count();
        let rules = plant().alarms_from(&damaged).rules;
        proptest::prop_assert!(rules.is_readable || rules.valid().count() == 0);
        for problem in &rules.problems {
            proptest::prop_assert!((1..=lines + 1).contains(&problem.diagnostic.line));
        }
        let _edited = replace_rule(&damaged, "disk_full", "[[rule]]\nname = \"disk_full\"");
    }
}
