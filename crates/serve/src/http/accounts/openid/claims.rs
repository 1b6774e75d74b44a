//! What a provider states about a person, from its verified claims.

use super::failure::Failure;
use config::openid::OpenIdProvider;
use serde_json::{Map, Value};

/// Where a provider lists the claims that it left out of a token (OpenID Connect Core 5.6.2).
const LEFT_OUT: &str = "_claim_names";

/// A person whom a provider has authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub subject: String,
    pub suggested_name: String,
    pub full_name: String,
    pub groups: Vec<String>,
}

/// The verified claims of a person.
pub type Claims = Map<String, Value>;

impl Person {
    /// The person of verified claims.
    ///
    /// # Errors
    /// The provider left out the groups because there are too many. Without this check the person
    /// would lose the roles of these groups.
    pub fn from_claims(claims: &Claims, provider: &OpenIdProvider) -> Result<Self, Failure> {
        let groups = groups(claims, &provider.groups_claim);
        let left_out = claims.get(LEFT_OUT).and_then(|it| it.get(&provider.groups_claim));
        if groups.is_none() && left_out.is_some() {
            let reason = "the provider left out the groups, because the person is in too many";
            return Err(Failure::Refused(reason.to_owned()));
        }
        Ok(Self {
            subject: text(claims, "sub").unwrap_or_default(),
            suggested_name: text(claims, &provider.name_claim).unwrap_or_default(),
            full_name: text(claims, "name").unwrap_or_default(),
            groups: groups.unwrap_or_default(),
        })
    }
}

/// Whether the claims contain the groups.
pub fn has_groups(claims: &Claims, claim: &str) -> bool {
    groups(claims, claim).is_some()
}

/// The groups of a claim: a list of texts, or one text.
fn groups(claims: &Claims, claim: &str) -> Option<Vec<String>> {
    match find(claims, claim)? {
        Value::String(group) => Some(vec![group.clone()]),
        Value::Array(groups) => {
            Some(groups.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect())
        }
        _ => None,
    }
}

fn text(claims: &Claims, claim: &str) -> Option<String> {
    find(claims, claim)?.as_str().map(str::to_owned)
}

/// A claim of this name; if there is none, the dots of the name lead into objects.
fn find<'a>(claims: &'a Claims, claim: &str) -> Option<&'a Value> {
    if let Some(found) = claims.get(claim) {
        return Some(found);
    }
    let mut parts = claim.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

#[cfg(test)]
mod tests {
    use super::super::testing::configured;
    use super::*;
    use serde_json::json;

    fn person(claims: Value, groups_claim: &str) -> Result<Person, Failure> {
        let provider = OpenIdProvider {
            groups_claim: groups_claim.into(),
            ..configured("plant", "https://id.plant.example")
        };
        Person::from_claims(claims.as_object().unwrap(), &provider)
    }

    #[test]
    fn groups_are_found_by_name_and_by_path() {
        for (claims, claim, expected) in [
            (json!({ "groups": ["a", "b"] }), "groups", vec!["a", "b"]),
            (json!({ "groups": "a" }), "groups", vec!["a"]),
            (json!({ "realm_access": { "roles": ["a"] } }), "realm_access.roles", vec!["a"]),
            (json!({ "https://x.example/g": ["a"] }), "https://x.example/g", vec!["a"]),
            (json!({ "groups": [1, null, "a", {}] }), "groups", vec!["a"]),
            (json!({ "groups": { "a": true } }), "groups", vec![]),
            (json!({ "groups": null }), "groups", vec![]),
            (json!({}), "groups", vec![]),
            (json!({ "realm_access": "x" }), "realm_access.roles", vec![]),
        ] {
            assert_eq!(person(claims.clone(), claim).unwrap().groups, expected, "{claims}");
        }
    }

    #[test]
    fn groups_that_are_left_out_are_not_taken_for_none() {
        let claims = json!({ "_claim_names": { "groups": "src1" }, "sub": "7" });
        assert!(matches!(person(claims, "groups"), Err(Failure::Refused(_))));
        let others = json!({ "_claim_names": { "photo": "src1" }, "sub": "7" });
        assert_eq!(person(others, "groups").unwrap().subject, "7");
    }

    #[test]
    fn names_are_texts_only() {
        let claims = json!({ "sub": "7", "preferred_username": 5, "name": ["x"] });
        let found = person(claims, "groups").unwrap();
        assert_eq!((&found.suggested_name[..], &found.full_name[..]), ("", ""));
    }
}
