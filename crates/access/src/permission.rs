//! Who may do what: the one table of permissions, and the check against it.
//!
//! The table is the source of the checks, of `docs/permissions.md` and of the test matrix.

mod page;
mod rights;

pub use page::page;
pub use rights::{Granted, Rights, TokenLimit};

use crate::{Error, Scope};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a person is in the plant. A role is held in a scope, see [`Assignment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Operator,
    Supervisor,
    Engineer,
    Administrator,
}

/// What a request does. Every route, stream, table, download and command has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    ViewPages,
    ReadTables,
    FollowLive,
    Download,
    RunSql,
    ReadSources,
    ReadMetrics,
    WriteNotes,
    AcknowledgeAlarm,
    ShelveAlarm,
    EditRules,
    ManageReports,
    Rebuild,
    ManageOwnAccount,
    ManageOwnTokens,
    ManageUsers,
    ReadAudit,
    ChangeSettings,
    ManageBackups,
}

/// How a permission is bound to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// In the scope of the role only.
    Scoped,
    /// Only if the role is held for the whole plant.
    Plant,
    /// On one's own things; the scope of the role does not matter.
    Own,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub action: Action,
    /// Name in configuration, tokens and the audit log.
    pub name: &'static str,
    /// What it allows, to follow "may".
    pub text: &'static str,
    pub reach: Reach,
    /// Whether an API token can carry it.
    pub by_token: bool,
    /// Who has it.
    pub roles: &'static [Role],
}

use Reach::{Own, Plant, Scoped};
use Role::{Administrator, Engineer, Operator, Supervisor, Viewer};

const EVERYONE: &[Role] = &[Viewer, Operator, Supervisor, Engineer, Administrator];
const OPERATORS: &[Role] = &[Operator, Supervisor, Engineer, Administrator];
const SUPERVISORS: &[Role] = &[Supervisor, Engineer, Administrator];
const ENGINEERS: &[Role] = &[Engineer, Administrator];
const ADMINISTRATORS: &[Role] = &[Administrator];

const fn rule(
    action: Action,
    name: &'static str,
    text: &'static str,
    reach: Reach,
    by_token: bool,
    roles: &'static [Role],
) -> Rule {
    Rule { action, name, text, reach, by_token, roles }
}

/// The permissions, one line per action in the order of [`Action`]. What is not here is denied.
#[rustfmt::skip]
pub const TABLE: [Rule; 19] = [
    rule(Action::ViewPages, "view_pages", "open the pages", Scoped, true, EVERYONE),
    rule(Action::ReadTables, "read_tables", "read tables and KPIs", Scoped, true, EVERYONE),
    rule(Action::FollowLive, "follow_live", "follow live values and alarms", Scoped, true, EVERYONE),
    rule(Action::Download, "download", "download rows as files", Scoped, true, EVERYONE),
    rule(Action::RunSql, "run_sql", "run SQL statements", Scoped, true, SUPERVISORS),
    rule(Action::ReadSources, "read_sources", "read received files and rejected records", Plant, true, ENGINEERS),
    rule(Action::ReadMetrics, "read_metrics", "read the metrics of the program", Plant, true, ENGINEERS),
    rule(Action::WriteNotes, "write_notes", "write notes", Scoped, true, OPERATORS),
    rule(Action::AcknowledgeAlarm, "acknowledge_alarm", "acknowledge alarms", Scoped, true, OPERATORS),
    rule(Action::ShelveAlarm, "shelve_alarm", "shelve alarms and see notifications", Scoped, true, SUPERVISORS),
    rule(Action::EditRules, "edit_rules", "edit alarm rules and take alarms out of service", Scoped, true, ENGINEERS),
    rule(Action::ManageReports, "manage_reports", "manage scheduled reports and their recipients", Scoped, true, SUPERVISORS),
    rule(Action::Rebuild, "rebuild", "rebuild tables", Plant, true, ENGINEERS),
    rule(Action::ManageOwnAccount, "manage_own_account", "manage the own account and sessions", Own, false, EVERYONE),
    rule(Action::ManageOwnTokens, "manage_own_tokens", "manage the own API tokens", Own, false, EVERYONE),
    rule(Action::ManageUsers, "manage_users", "manage users, roles, sessions and tokens of all", Plant, false, ADMINISTRATORS),
    rule(Action::ReadAudit, "read_audit", "read, verify and export the audit log", Plant, true, ADMINISTRATORS),
    rule(Action::ChangeSettings, "change_settings", "change settings", Plant, false, ADMINISTRATORS),
    rule(Action::ManageBackups, "manage_backups", "make and restore backups", Plant, false, ADMINISTRATORS),
];

/// A role held in a scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Assignment {
    pub role: Role,
    pub scope: Scope,
    /// Who gave it.
    #[serde(default)]
    pub source: Source,
}

/// Where a role comes from. A login by an identity provider replaces those it gave, and no others.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An administrator of this program.
    #[default]
    Local,
    /// The groups of an identity provider.
    External,
}

impl Role {
    pub const ALL: [Self; 5] = [Viewer, Operator, Supervisor, Engineer, Administrator];

    pub fn name(self) -> &'static str {
        match self {
            Viewer => "viewer",
            Operator => "operator",
            Supervisor => "supervisor",
            Engineer => "engineer",
            Administrator => "administrator",
        }
    }
}

impl Action {
    /// The line of the table. The table is in the order of the actions; a test holds it.
    pub fn rule(self) -> &'static Rule {
        &TABLE[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.rule().name
    }
}

impl Assignment {
    /// A role that an administrator gives.
    pub fn new(role: Role, scope: Scope) -> Self {
        Self { role, scope, source: Source::Local }
    }
}

impl Source {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::External => "external",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::Local, Self::External].into_iter().find(|it| it.name() == name)
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let expected = "viewer, operator, supervisor, engineer or administrator";
        let found = Self::ALL.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| Error::invalid("role", text, expected))
    }
}

impl FromStr for Action {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = TABLE.iter().find(|it| it.name == text).map(|it| it.action);
        let expected = || TABLE.map(|it| it.name).join(", ");
        found.ok_or_else(|| Error::invalid("action", text, format!("one of {}", expected())))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
