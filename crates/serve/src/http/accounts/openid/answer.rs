//! The answer of a provider, which the browser brings, and the completion of a login with it.

use super::failure::{Failure, plain};
use super::provider::Provider;
use crate::http::Service;
use crate::http::authorization::{Caller, Cost, openid_cookie, session_cookie};
use access::external::{ExternalLogin, roles_of};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use std::sync::PoisonError;
use url::form_urlencoded;

/// The error by which a provider reports that a person ended the login.
const CANCELLED: &str = "access_denied";

/// The parameters of an answer. One that is sent twice makes the answer ambiguous.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ProviderAnswer {
    state: Option<String>,
    code: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
    is_ambiguous: bool,
}

impl ProviderAnswer {
    /// The answer in the query of an address.
    pub fn from_query(query: &str) -> Self {
        let mut answer = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = match &*name {
                "state" => &mut answer.state,
                "code" => &mut answer.code,
                "iss" => &mut answer.issuer,
                "error" => &mut answer.error,
                _ => continue,
            };
            answer.is_ambiguous |= field.replace(value.into_owned()).is_some();
        }
        answer
    }

    /// The code, if the answer comes from the provider and is a success.
    fn code(&self, issuer: &str, is_issuer_required: bool) -> Result<&str, Failure> {
        match &self.issuer {
            Some(found) if found != issuer => {
                return Err(Failure::refused("the answer is of another issuer"));
            }
            None if is_issuer_required => {
                return Err(Failure::refused("the answer does not name its issuer"));
            }
            _ => {}
        }
        match (&self.error, &self.code) {
            (Some(error), _) if error == CANCELLED => Err(Failure::Cancelled),
            (Some(error), _) => Err(Failure::Provider(plain(error))),
            (None, Some(code)) => Ok(code),
            (None, None) => Err(Failure::refused("the answer has no code")),
        }
    }
}

/// Completes the login that an answer belongs to. Sets `next` as soon as the login is known.
pub async fn complete(
    service: &Service,
    provider: &Provider,
    caller: &Caller,
    headers: &HeaderMap,
    answer: &ProviderAnswer,
    next: &mut String,
) -> Result<Response, Failure> {
    let openid = &service.openid;
    openid.admit(caller)?;
    if answer.is_ambiguous {
        return Err(Failure::refused("the answer has a parameter twice"));
    }
    let now_us = service.now_us();
    let state = answer.state.as_deref().ok_or(Failure::Stale("the answer has no state"))?;
    let browser = openid_cookie(headers, caller.peer);
    let name = &provider.configured.name;
    let begun = {
        let mut logins = openid.begun.lock().unwrap_or_else(PoisonError::into_inner);
        logins.take(state, browser.as_deref(), name, now_us, &openid.limits)?
    };
    next.clone_from(&begun.next);
    let known = provider.known(now_us).await?;
    let other = known.metadata.additional_metadata();
    let is_issuer_required = other.authorization_response_iss_parameter_supported;
    let code = answer.code(&provider.configured.issuer, is_issuer_required)?;
    let tolerance_us = tolerance_us(service)?;
    let person = provider.confirm(&begun, code, now_us, tolerance_us).await?;
    let login = ExternalLogin {
        issuer: provider.configured.issuer.clone(),
        subject: person.subject,
        suggested_name: person.suggested_name,
        full_name: person.full_name,
        roles: roles_of(&person.groups, &provider.rules),
        may_add: provider.configured.adds_users,
    };
    enter(service, caller, login, &begun.next).await
}

fn tolerance_us(service: &Service) -> Result<i64, Failure> {
    let access = service.access.database().map_err(|it| Failure::unavailable(it.public))?;
    Ok(i64::from(access.settings().clock_tolerance_s) * 1_000_000)
}

/// Opens the session of a person whom the provider has authenticated.
async fn enter(
    service: &Service,
    caller: &Caller,
    login: ExternalLogin,
    next: &str,
) -> Result<Response, Failure> {
    let (client, previous) = (caller.client(), caller.cookie.clone());
    // The code was exchanged meanwhile, which takes time.
    let now_us = service.now_us();
    let done = service.blocking.run(&service.access, Cost::Disk, move |access| {
        access.login_external(&login, &client, previous.as_ref(), now_us)
    });
    let logged_in = done.await.map_err(|error| match error.status {
        StatusCode::UNAUTHORIZED => Failure::NoAccount,
        StatusCode::FORBIDDEN => Failure::NoRole,
        _ => {
            error.log();
            Failure::unavailable(error.public)
        }
    })?;
    service.access.users_exist();
    let mut response = super::redirect(next);
    let life_s = logged_in.expires_us.saturating_sub(now_us) / 1_000_000;
    let cookie = session_cookie(caller.peer, &logged_in.cookie, life_s);
    let cookie = cookie.ok_or_else(|| Failure::refused("a session cookie has no header form"))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.plant.example";

    #[test]
    fn only_an_answer_of_the_issuer_has_a_code() {
        let check = |query: &str, is_required: bool| {
            ProviderAnswer::from_query(query).code(ISSUER, is_required).map(str::to_owned)
        };
        let iss = "iss=https%3A%2F%2Fid.plant.example";
        assert_eq!(check(&format!("code=a&{iss}"), true).unwrap(), "a");
        assert_eq!(check("code=a", false).unwrap(), "a");
        assert!(matches!(check("code=a", true), Err(Failure::Refused(_))));
        for other in
            ["https://id.plant.example/", "https://evil.example", "HTTPS://id.plant.example"]
        {
            assert!(matches!(
                check(&format!("code=a&iss={other}"), false),
                Err(Failure::Refused(_))
            ));
        }
        assert_eq!(check("error=access_denied&code=a", false), Err(Failure::Cancelled));
        assert_eq!(check("error=x%0Ay", false), Err(Failure::Provider("x y".into())));
        assert!(check("state=s", false).is_err());
    }

    #[test]
    fn a_parameter_that_is_sent_twice_is_ambiguous() {
        assert!(ProviderAnswer::from_query("state=a&code=b&code=c").is_ambiguous);
        assert!(ProviderAnswer::from_query("iss=a&iss=a").is_ambiguous);
        assert!(!ProviderAnswer::from_query("state=a&code=b&scope=c&scope=d").is_ambiguous);
    }
}
