//! Parts that test the running service: its pages with login, its limits, and what happens to its user database.

use super::{Bench, Done, SMALL_LAKE_DAYS};
use crate::kafka::Kafka;
use crate::machine::run;
use crate::pages;
use crate::server::free_address;
use crate::tools;
use std::path::Path;
use std::process::Command;

/// Guessed passwords, unless the part is named.
const FEW_GUESSES: [&str; 2] = ["--logins", "1000"];

/// The days of the plant whose reports are compared: two weeks of production days.
const REPORT_DAYS: &str = "14";

/// The days of the plant whose boards are shown: a week has more than one shift of each unit.
const BOARD_DAYS: &str = "8";

/// A day of the plant's dumps with planned and made boards.
const DUMPED_DAY: &str = "2022-06-05";

/// Login, roles and settings in a browser.
pub fn access(bench: &Bench) -> Done {
    pages::access(&bench.cockpit, &bench.simulated("access", SMALL_LAKE_DAYS)?)
}

/// Alarms of the demo in a browser, in the short form unless the part is named.
pub fn alarms(bench: &Bench) -> Done {
    pages::alarms(&bench.cockpit, bench.is_usual)
}

/// The ten questions, numbers, languages, keyboard, colours and states of the demo in a browser.
pub fn screens(bench: &Bench) -> Done {
    pages::screens(&bench.cockpit, bench.is_usual)
}

/// Reports of the demo in a browser.
pub fn reports(bench: &Bench) -> Done {
    pages::reports(&bench.cockpit)
}

/// Boards of the plant folder and their editor in a browser.
pub fn boards(bench: &Bench) -> Done {
    pages::boards(&bench.cockpit, &bench.simulated("boards", BOARD_DAYS)?)
}

/// Reports issued by two programs, delivered and corrected.
pub fn issue(bench: &Bench) -> Done {
    run(bench.python("issue_case.py")?.arg("--cockpit").arg(&bench.cockpit))
}

/// Logins at real providers in a browser.
pub fn openid(bench: &Bench) -> Done {
    pages::openid(&bench.cockpit, &bench.simulated("openid", SMALL_LAKE_DAYS)?)
}

/// Service and clients in two network namespaces.
pub fn netns(bench: &Bench) -> Done {
    let lake = bench.simulated("netns", SMALL_LAKE_DAYS)?;
    pages::netns(&bench.cockpit, &lake, &bench.folder.join("netns"))
}

/// User databases that cannot be used, a full disk, a clock set back, guessed passwords.
pub fn damage(bench: &Bench) -> Done {
    let mut case = bench.python("damage_case.py")?;
    case.arg("--cockpit").arg(&bench.cockpit);
    if bench.is_usual {
        case.args(FEW_GUESSES);
    }
    run(&mut case)
}

/// Floods of frames, requests that are delimited twice, packed bodies.
pub fn flood(bench: &Bench) -> Done {
    run(bench.python("flood_case.py")?.arg("--cockpit").arg(&bench.cockpit))
}

/// A crowd that occupies the service while a viewer follows the stream.
pub fn load(bench: &Bench) -> Done {
    let port = free_address().map_err(|error| format!("the broker's port: {error}"))?.port();
    let kafka = Kafka::start(&bench.folder.join("load-kafka"), port)?;
    let mut case = bench.python("load_case.py")?;
    case.arg("--cockpit").arg(&bench.cockpit).args(["--brokers", &kafka.brokers()]);
    run(&mut case)
}

/// Clients of the PostgreSQL protocol and of Flight SQL; in a short form unless the part is named.
pub fn sql_doors(bench: &Bench) -> Done {
    tools::postgres_clients()?;
    let mut case = bench.python("sql_doors_case.py")?;
    case.arg("--cockpit").arg(&bench.cockpit);
    if bench.is_usual {
        case.arg("--short");
    }
    run(&mut case)
}

/// Notifications to a mail server and webhooks that fail, while the program is killed.
pub fn notify(bench: &Bench) -> Done {
    run(bench.python("notify_case.py")?.arg("--cockpit").arg(&bench.cockpit))
}

/// The reports of the plant's dumps if they are there, and else, or if the part is named, those of a simulated plant,
/// number for number.
pub fn report(bench: &Bench) -> Done {
    let case = |lake: &Path| -> Result<Command, String> {
        let mut case = bench.python("report_case.py")?;
        case.arg("--cockpit").arg(&bench.cockpit).arg("--lake").arg(lake);
        Ok(case)
    };
    tools::poppler()?;
    if !bench.is_usual || !bench.bucket.is_dir() {
        run(&mut case(&bench.simulated("report", REPORT_DAYS)?)?)?;
    }
    if !bench.bucket.is_dir() {
        return Ok(());
    }
    bench.ingest(&bench.bucket)?;
    run(case(&bench.lake())?.args(["--day", DUMPED_DAY]))
}
