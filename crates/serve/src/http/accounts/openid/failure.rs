//! Why a login at a provider failed.

/// The longest part of a text of a provider that is logged.
const TEXT_CHARS_MAX: usize = 200;

/// The failure of a login at a provider. The login page shows a text of its own for each code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The answer belongs to no login that this browser has begun; the text is the reason.
    Stale(&'static str),
    /// The provider, or its metadata, cannot be read now.
    Unavailable(String),
    /// The person, or the provider, ended the login.
    Cancelled,
    /// The provider reports an error of its own.
    Provider(String),
    /// A check of the answer failed.
    Refused(String),
    /// The person has no user, or a disabled one.
    NoAccount,
    /// The groups of the person give no role.
    NoRole,
    /// Too many logins at the same time.
    Busy,
}

impl Failure {
    /// A failed check; `reason` may contain texts of the provider.
    pub fn refused(reason: impl ToString) -> Self {
        Self::Refused(plain(&reason.to_string()))
    }

    /// A provider that cannot be reached; `reason` may contain texts of the provider.
    pub fn unavailable(reason: impl ToString) -> Self {
        Self::Unavailable(plain(&reason.to_string()))
    }

    /// The name in the address of the login page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Stale(_) => "openid_stale",
            Self::Unavailable(_) => "openid_unavailable",
            Self::Cancelled => "openid_cancelled",
            Self::Provider(_) | Self::Refused(_) => "openid_refused",
            Self::NoAccount => "openid_no_account",
            Self::NoRole => "openid_no_role",
            Self::Busy => "openid_busy",
        }
    }

    /// The reason for the audit log.
    pub fn reason(&self) -> String {
        match self {
            Self::Stale(reason) => (*reason).to_owned(),
            Self::Unavailable(reason) => format!("provider unavailable: {reason}"),
            Self::Cancelled => "cancelled at the provider".to_owned(),
            Self::Provider(reason) => format!("error of the provider: {reason}"),
            Self::Refused(reason) => reason.clone(),
            Self::NoAccount => "unknown identity or disabled account".to_owned(),
            Self::NoRole => "no role".to_owned(),
            Self::Busy => "too many requests".to_owned(),
        }
    }
}

/// A text of a provider as it may be logged: short, and without control characters.
pub fn plain(text: &str) -> String {
    let letters = text.chars().map(|it| if it.is_control() { ' ' } else { it });
    letters.take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_provider_are_short_and_on_one_line() {
        let reason = Failure::refused(format!("a\r\nb{}", "x".repeat(1_000))).reason();
        assert!(reason.starts_with("a  bxxx"), "{reason}");
        assert_eq!(reason.chars().count(), TEXT_CHARS_MAX);
    }
}
