//! `cockpit user`: users and their roles, managed at the terminal.

use super::database::{Database, now_us, time};
use super::{password, print};
use access::{Assignment, NewPassword, NewUser, Role, Scope, Secret, UserInfo};
use anyhow::Context as _;
use config::Config;
use std::path::PathBuf;
use std::str::FromStr;

/// What to do with users.
#[derive(Debug, clap::Subcommand)]
pub enum UserCommand {
    /// Add a user
    ///
    /// Without a password of its own, the user gets a temporary one, which is printed once and has to be
    /// replaced at the first login.
    Add {
        /// Name for the login: letters, digits and . _ - @ +
        name: String,
        /// Name for display
        #[arg(long, value_name = "TEXT", default_value = "")]
        full_name: String,
        #[command(flatten)]
        roles: RoleArgs,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// List the users with their roles
    List {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Refuse the logins of a user, end the sessions and revoke the tokens
    Disable { name: String },
    /// Allow the logins of a disabled user again
    Enable { name: String },
    /// Replace the password of a user by a temporary one, and end the sessions
    Reset {
        name: String,
        /// Remove the second factor, such as after the loss of a phone
        #[arg(long)]
        second_factor: bool,
    },
    /// Let a user log in with an identity of a provider of OpenID Connect
    ///
    /// Needed where `adds_users = false`, or to join an identity with a user who exists.
    Link {
        name: String,
        /// Issuer of the provider, exactly as in plant.toml
        issuer: String,
        /// Subject (`sub`) of the person at the provider
        subject: String,
    },
    /// Print the roles of a user, or replace them
    Roles {
        name: String,
        #[command(flatten)]
        roles: RoleArgs,
        /// Remove all roles
        #[arg(long, conflicts_with = "roles")]
        none: bool,
    },
}

/// Roles to give.
#[derive(Debug, clap::Args)]
pub struct RoleArgs {
    /// viewer, operator, supervisor, engineer or administrator, for the whole plant or as
    /// ROLE@area:AREA or ROLE@line:AREA/LINE; may be repeated
    #[arg(long = "role", value_name = "ROLE[@SCOPE]", value_parser = RoleInScope::from_str)]
    roles: Vec<RoleInScope>,
}

/// Where a chosen password is read.
#[derive(Debug, clap::Args)]
pub struct PasswordArgs {
    /// Read the password from the terminal or from standard input
    #[arg(long)]
    password: bool,
    /// Read the password from the first line of a file
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
}

/// A role and its scope as written on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RoleInScope(Assignment);

impl FromStr for RoleInScope {
    type Err = access::Error;

    fn from_str(text: &str) -> Result<Self, access::Error> {
        let (role, scope) = text.split_once('@').unwrap_or((text, "plant"));
        Ok(Self(Assignment::new(role.parse()?, scope.parse()?)))
    }
}

impl RoleArgs {
    fn assignments(self) -> Vec<Assignment> {
        self.roles.into_iter().map(|role| role.0).collect()
    }
}

impl PasswordArgs {
    fn read(&self) -> anyhow::Result<NewPassword> {
        if !self.password && self.password_file.is_none() {
            return Ok(NewPassword::Temporary);
        }
        Ok(NewPassword::Chosen(password::read(self.password_file.as_deref())?))
    }
}

/// Runs one of the commands.
pub fn run(config: &Config, command: UserCommand) -> anyhow::Result<bool> {
    let database = Database::open(config)?;
    match command {
        UserCommand::Add { name, full_name, roles, password } => {
            let new =
                NewUser { name, full_name, password: password.read()?, roles: roles.assignments() };
            add(&database, &new)?;
        }
        UserCommand::List { json } => list(&database, json)?,
        UserCommand::Disable { name } => {
            database.access.disable_user(&database.operator, &name, now_us())?;
            print::line(&format!("disabled {name}; sessions ended, tokens revoked"));
        }
        UserCommand::Enable { name } => {
            database.access.enable_user(&database.operator, &name, now_us())?;
            print::line(&format!("enabled {name}"));
        }
        UserCommand::Reset { name, second_factor } => reset(&database, &name, second_factor)?,
        UserCommand::Link { name, issuer, subject } => {
            database.access.link_external(
                &database.operator,
                &name,
                &issuer,
                &subject,
                now_us(),
            )?;
            print::line(&format!("linked {name} with {subject} of {issuer}"));
        }
        UserCommand::Roles { name, roles, none } => {
            set_roles(&database, &name, roles.assignments(), none)?;
        }
    }
    Ok(true)
}

fn add(database: &Database, new: &NewUser) -> anyhow::Result<()> {
    let (info, temporary) = database.access.add_user(&database.operator, new, now_us())?;
    print::line(&format!("added {}: {}", info.name, roles_text(&info.roles)));
    if let Some(temporary) = temporary {
        print_temporary(database, &temporary);
    }
    let users = database.access.users(&database.operator, now_us())?;
    if !users.iter().any(is_administrator) {
        let name = &info.name;
        print::line(&format!(
            "note: there is no administrator yet; `cockpit user roles {name} --role administrator` \
             makes one"
        ));
    }
    Ok(())
}

fn is_administrator(user: &UserInfo) -> bool {
    let is_one = |it: &Assignment| it.role == Role::Administrator && it.scope == Scope::Plant;
    user.disabled_us.is_none() && user.roles.iter().any(is_one)
}

fn print_temporary(database: &Database, temporary: &Secret) {
    let life_s = i64::from(database.access.settings().temporary_password_s);
    let until = time(now_us().saturating_add(life_s.saturating_mul(1_000_000)));
    print::line(&format!(
        "temporary password, to be replaced until {until}: {}",
        temporary.expose()
    ));
}

fn list(database: &Database, is_json: bool) -> anyhow::Result<()> {
    let users = database.access.users(&database.operator, now_us())?;
    if is_json {
        print::line(&serde_json::to_string_pretty(&users)?);
        return Ok(());
    }
    if users.is_empty() {
        print::line(
            "there are no users yet; `cockpit user add NAME --role administrator` adds one",
        );
    }
    for user in &users {
        let state = match user.disabled_us {
            Some(_) => "disabled",
            None if user.must_change_password => "temporary password",
            None => "enabled",
        };
        let last = user.last_login_us.map_or_else(|| "never".to_owned(), time);
        let roles = roles_text(&user.roles);
        print::line(&format!("{:<24}{state:<20}last login {last:<25}{roles}", user.name));
    }
    Ok(())
}

fn reset(database: &Database, name: &str, second_factor: bool) -> anyhow::Result<()> {
    let Database { access, operator } = database;
    let temporary = access.reset_password(operator, name, now_us())?;
    print::line(&format!("reset the password of {name}; sessions ended"));
    print_temporary(database, &temporary);
    if second_factor {
        access.reset_second_factor(operator, name, now_us())?;
        print::line("removed the second factor");
    }
    Ok(())
}

fn set_roles(
    database: &Database,
    name: &str,
    roles: Vec<Assignment>,
    none: bool,
) -> anyhow::Result<()> {
    let Database { access, operator } = database;
    if none || !roles.is_empty() {
        access.set_roles(operator, name, &roles, now_us())?;
    }
    let users = access.users(operator, now_us())?;
    let wanted = name.trim().to_ascii_lowercase();
    let user = users.iter().find(|user| user.name == wanted);
    let user = user.with_context(|| format!("there is no user `{name}`"))?;
    print::line(&format!("{}: {}", user.name, roles_text(&user.roles)));
    Ok(())
}

fn roles_text(roles: &[Assignment]) -> String {
    let texts: Vec<String> = roles.iter().map(|it| format!("{}@{}", it.role, it.scope)).collect();
    if texts.is_empty() { "no role".to_owned() } else { texts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_for_the_plant_unless_it_has_a_scope() {
        let parse = |text: &str| text.parse::<RoleInScope>().map(|it| roles_text(&[it.0]));
        for (text, expected) in [
            ("viewer", "viewer@plant"),
            ("operator@area:SMT", "operator@area:SMT"),
            ("engineer@line:SMT/Line 1", "engineer@line:SMT/Line 1"),
        ] {
            assert_eq!(parse(text).unwrap(), expected);
        }
        for text in ["", "boss", "viewer@", "viewer@SMT", "@plant", "viewer@line:SMT"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
