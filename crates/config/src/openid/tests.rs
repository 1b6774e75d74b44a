use super::*;
use crate::toml_reader::Findings;

const GOOD: &str = r#"
[[openid]]
name = "keycloak"
title = "Plant login"
issuer = "https://id.plant.example/realms/plant"
client_id = "cockpit"
client_secret = "credential:openid"
allowed_addresses = ["10.0.0.0/8"]

[[openid.role]]
group = "smt"
role = "operator"
scope = "area:SMT"

[[openid.role]]
group = "it"
role = "administrator"

[[openid]]
name = "entra"
issuer = "https://login.microsoftonline.com/0a/v2.0"
client_id = "b"
scopes = []
adds_users = false
logs_out = false
"#;

fn providers(text: &str) -> (Vec<OpenIdProvider>, Vec<String>) {
    let findings = Findings::new("plant.toml", text);
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, &findings);
    let providers = read(&mut reader);
    let found = findings.into_diagnostics();
    (providers, found.iter().map(ToString::to_string).collect())
}

#[test]
fn several_providers_are_read_with_their_defaults() {
    let (found, mistakes) = providers(GOOD);
    assert_eq!(mistakes, [""; 0]);
    let [keycloak, entra] = &found[..] else { panic!("{found:?}") };
    assert_eq!(keycloak.title, "Plant login");
    assert_eq!(keycloak.client_secret, Some(SecretRef::Credential("openid".to_owned())));
    assert_eq!(keycloak.scopes, ["profile"]);
    assert_eq!((&keycloak.groups_claim[..], &keycloak.name_claim[..]), (GROUPS_CLAIM, NAME_CLAIM));
    let rules: Vec<_> = keycloak.roles.iter().map(|it| (&it.role[..], &it.scope[..])).collect();
    assert_eq!(rules, [("operator", "area:SMT"), ("administrator", "plant")]);
    assert!(keycloak.adds_users && keycloak.logs_out);
    assert_eq!(entra.title, "entra");
    assert!(entra.client_secret.is_none() && entra.scopes.is_empty() && entra.roles.is_empty());
    assert!(!entra.adds_users && !entra.logs_out);
}

#[test]
fn every_mistake_is_reported_at_its_line() {
    for (from, to, expected) in [
        ("name = \"keycloak\"", "name = \"Key cloak\"", "invalid provider name `Key cloak`"),
        ("name = \"entra\"", "name = \"keycloak\"", "second provider"),
        ("https://id.", "http://id.", "invalid issuer"),
        ("client_id = \"cockpit\"\n", "", "`client_id` is missing"),
        ("credential:openid", "s3cret", "invalid reference to a secret"),
        ("10.0.0.0/8", "10.0.0.0/99", "invalid address range"),
        ("role = \"operator\"", "role = \"boss\"", "unknown role `boss`"),
        ("area:SMT", "SMT", "invalid scope `SMT`"),
        ("group = \"it\"\n", "", "`group` is missing"),
        ("title =", "titel =", "unknown key `titel`"),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let (_, mistakes) = providers(&text);
        assert_eq!(mistakes.len(), 1, "{to}: {mistakes:?}");
        assert!(mistakes[0].contains(expected) && !mistakes[0].contains("s3cret"), "{mistakes:?}");
    }
}
