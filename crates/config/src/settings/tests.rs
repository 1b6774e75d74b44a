use super::*;
use crate::toml_reader::Findings;

/// The limits of `[limits]`, or all mistakes in it.
fn read(text: &str) -> Result<Limits, Vec<String>> {
    let text = format!("[limits]\n{text}\n");
    let findings = Findings::new("plant.toml", &text);
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, &findings);
    let mut limits = Limits::default();
    if let Some(table) = reader.table("limits") {
        limits.read(table);
    }
    let found: Vec<String> = findings.into_diagnostics().iter().map(ToString::to_string).collect();
    if found.is_empty() { Ok(limits) } else { Err(found) }
}

/// All settings of both tables, each with its value.
fn all(limits: &Limits, access: &Access) -> Vec<(Setting, Option<u64>)> {
    let mut sections: Vec<&dyn Section> =
        limits.sections().into_iter().map(|(_, section)| section).collect();
    sections.push(&access.limits);
    let settings = |section: &&dyn Section| {
        let section = *section;
        section.settings().iter().map(move |it| (*it, section.value(it.name))).collect::<Vec<_>>()
    };
    sections.iter().flat_map(settings).collect()
}

#[test]
fn every_setting_has_a_valid_default_a_description_and_a_reason() {
    let mut names = std::collections::BTreeSet::new();
    for (setting, value) in all(&Limits::default(), &Access::default()) {
        let Setting { name, default, min, max, .. } = setting;
        assert_eq!(value, Some(default), "{name}");
        assert!((min..=max).contains(&default), "{name}");
        assert!(setting.description.ends_with('.') && setting.reason.len() > 5, "{name}");
        assert!(names.insert(name), "{name} is defined twice");
        assert!(setting.former_name.is_none_or(|former| names.insert(former)), "{name}");
    }
    assert!(names.len() > 90, "{}", names.len());
}

#[test]
fn every_setting_can_be_set_in_the_file_and_in_the_environment() {
    let mut limits = Limits::default();
    limits.read_env(|name| name.starts_with("COCKPIT_").then(|| "7".to_owned())).unwrap_err();
    for (_, section) in Limits::default().sections() {
        for Setting { name, former_name, .. } in section.settings() {
            let read = read(&format!("{name} = 7")).unwrap();
            assert_eq!(value_of(&read, name), (7, Origin::PlantFile), "{name}");
            assert!(read.provenance().deprecations().is_empty());
            let variable = format!("COCKPIT_{}", name.to_uppercase());
            let mut limits = Limits::default();
            limits.read_env(|name| (name == variable).then(|| "7".to_owned())).unwrap();
            assert_eq!(value_of(&limits, name), (7, Origin::Environment), "{name}");
            let Some(former) = former_name else { continue };
            let read = self::read(&format!("{former} = 7")).unwrap();
            assert_eq!(value_of(&read, name), (7, Origin::PlantFile), "{former}");
            let expected = format!("[limits] {former} is deprecated, use [limits] {name}");
            assert_eq!(read.provenance().deprecations()[0].to_string(), expected);
        }
    }
}

fn value_of(limits: &Limits, name: &str) -> (u64, Origin) {
    let value = limits.sections().iter().find_map(|(_, section)| section.value(name)).unwrap();
    (value, limits.provenance().origin(name))
}

#[test]
fn invalid_values_and_names_are_all_reported_with_their_lines() {
    let found = read("page_row_max = 1\nbatch_rows = 0\nmemory_bytes = \"much\"").unwrap_err();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|it| it.contains(":2:") && it.contains("`page_rows_max`")));
    assert!(found.iter().any(|it| it.contains(":3:") && it.contains("at least 1")));
    assert!(found.iter().any(|it| it.contains(":4:") && it.contains("memory_bytes")));
    let both = read("query_slots = 2\nmax_concurrent_queries = 3").unwrap_err();
    assert!(both[0].contains("`max_concurrent_queries` is also set"), "{both:?}");
}

#[test]
fn a_bounded_setting_reports_its_bounds() {
    let mut access = Access::default();
    let error = access.read_env(|name| name.ends_with("_LANES").then(|| "17".to_owned()));
    let expected =
        "invalid COCKPIT_ACCESS_PASSWORD_LANES `17`: expected a whole number from 1 to 16";
    assert_eq!(error.unwrap_err().to_string(), expected);
    access.read_env(|name| name.ends_with("_LANES").then(|| "2".to_owned())).unwrap();
    assert_eq!(access.limits.password_lanes, 2);
    assert_eq!(access.provenance().origin("password_lanes"), Origin::Environment);
}

#[test]
fn the_mode_of_access_is_login_or_open() {
    let read = |text: &str| {
        let findings = Findings::new("plant.toml", text);
        let document = findings.parse();
        let access = Access::read(TomlReader::new(document.get_ref(), 0, &findings));
        let mistakes: Vec<String> =
            findings.into_diagnostics().iter().map(ToString::to_string).collect();
        (access.mode, access.state, mistakes.join("\n"))
    };
    let state = Some("/var/lib/cockpit".to_owned());
    let expected = (Some(AccessMode::Login), state, String::new());
    assert_eq!(read("mode = \"login\"\nstate = \"/var/lib/cockpit\""), expected);
    assert!(read("mode = \"opne\"").2.contains("Did you mean `open`?"));
    let mut access = Access::default();
    access.read_env(|name| name.ends_with("_MODE").then(|| "open".to_owned())).unwrap();
    assert_eq!(access.mode.map(AccessMode::as_str), Some("open"));
    assert!(access.read_env(|name| name.ends_with("_MODE").then(|| "no".to_owned())).is_err());
}
