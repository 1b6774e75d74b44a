//! Parts on the plant's dumps: a lake of them, compared and read by other programs.

use super::{Bench, Done, KILL_ROUNDS};
use crate::machine::{self, run};
use crate::server::Server;
use std::process::Command;

pub fn ingest(bench: &Bench) -> Done {
    bench.ingest(&bench.bucket)
}

pub fn compare(bench: &Bench) -> Done {
    bench.compare(&bench.bucket, None)
}

pub fn readers(bench: &Bench) -> Done {
    run(bench.python("readers.py")?.arg("--lake").arg(bench.lake()))
}

pub fn browser(bench: &Bench) -> Done {
    let server = Server::start(&bench.cockpit, &bench.lake(), &bench.folder.join("serve.log"))?;
    let mut node = Command::new("node");
    node.arg("test/browser.mjs").current_dir(machine::root().join("ui"));
    node.env("COCKPIT_URL", server.url()).env("CHROMIUM", machine::chromium());
    let driven = run(&mut node);
    driven.and(server.stop())
}

/// A second dump of one day arrives: exactly the rows it changes must change.
pub fn redump(bench: &Bench) -> Done {
    let file = |name: &str| bench.folder.join(name);
    let (bucket, expect, before) = (file("bucket2"), file("expect.json"), file("before.json"));
    let mut redump = bench.python("redump.py")?;
    redump.arg("--from").arg(&bench.bucket).arg("--to").arg(&bucket);
    run(redump.arg("--expect").arg(&expect))?;
    let changed = || -> Result<Command, String> {
        let mut changed = bench.python("changed_rows.py")?;
        changed.arg("--after").arg(bench.lake()).arg("--expect").arg(&expect);
        Ok(changed)
    };
    run(changed()?.arg("--snapshot").arg(&before))?;
    bench.ingest(&bucket)?;
    let rows = run(changed()?.arg("--before").arg(&before));
    rows.and(bench.compare(&bucket, Some(&bench.bucket)))
}

pub fn s3(bench: &Bench) -> Done {
    run(&mut bench.case("s3_case.py")?)
}

pub fn kill(bench: &Bench) -> Done {
    run(bench.case("kill_case.py")?.args(["--rounds", KILL_ROUNDS]))
}
