//! Parts on Apache Kafka: each starts and ends a broker of its own.

use super::{Bench, Done};
use crate::kafka;
use crate::machine::{self, print, run};
use crate::server::free_address;
use crate::tools;
use std::fs;
use std::process::Command;

/// Messages of the plant, next to the dumps.
const MESSAGES: &str = "../kafka/IOTTemperatureStream01.sample.jsonl";

/// The stream of its case; a full run takes a million messages, 100 kills and 420 seconds.
const STREAM: [&str; 6] = ["--messages", "100000", "--kills", "10", "--seconds", "40"];

impl Bench {
    /// A case of the oracle that starts and ends a broker of its own.
    fn on_kafka(&self, script: &str) -> Result<Command, String> {
        let describe = |error: std::io::Error| format!("the broker's port: {error}");
        let folder = self.folder.join("kafka");
        let port = free_address().map_err(describe)?.port();
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(describe)?;
        }
        kafka::prepare(&folder, port)?;
        let mut case = self.python(script)?;
        case.arg("--cockpit").arg(&self.cockpit).arg("--broker").arg(folder.join("start"));
        case.args(["--port", &port.to_string()]);
        Ok(case)
    }
}

/// Messages of the plant through Apache Kafka, each against another reading of it.
pub fn messages(bench: &Bench) -> Done {
    let mut case = bench.on_kafka("messages_case.py")?;
    run(case.arg("--messages").arg(bench.bucket.join(MESSAGES)))
}

/// The plant's questions about its temperatures, answered by every interface.
pub fn questions(bench: &Bench) -> Done {
    // The usual run continues on a machine that cannot download Apache Kafka; a named part fails.
    let mut case = match bench.on_kafka("questions_case.py") {
        Err(reason) if bench.is_usual => {
            print(&format!("SKIPPED, Apache Kafka is not available: {reason}"));
            return Ok(());
        }
        case => case?,
    };
    case.env("CHROMIUM", machine::chromium());
    run(case.arg("--pages").arg(machine::root().join("ui")))
}

/// Passwords, tokens, certificates and packed messages of Apache Kafka.
pub fn login(bench: &Bench) -> Done {
    tools::openssl()?;
    run(&mut bench.on_kafka("login_case.py")?)
}

/// Schemas of a registry and changes of a table on Apache Kafka.
pub fn registry(bench: &Bench) -> Done {
    run(&mut bench.on_kafka("registry_case.py")?)
}

/// Topics of Apache Kafka that are deleted and created again.
pub fn topics(bench: &Bench) -> Done {
    run(&mut bench.on_kafka("topics_case.py")?)
}

/// Messages of Apache Kafka, while program and broker are killed.
pub fn stream(bench: &Bench) -> Done {
    run(bench.on_kafka("stream_case.py")?.args(STREAM))
}
