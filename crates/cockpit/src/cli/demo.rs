//! `cockpit demo`: everything on a simulated plant.

use super::{print, stop_token};
use crate::flow::demo::{Demo, Ready, run};
use anyhow::bail;
use config::{self, Config};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What of the demo one can say.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// How much faster than the clock everything runs: with 60 an hour takes a minute
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    speed: f64,
    /// Port of the pages on this machine [default: any that is free]
    #[arg(long, value_name = "P", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Folder of the demo's lake and dumps
    #[arg(long, value_name = "DIR", default_value = "./cockpit-data/demo")]
    data: PathBuf,
    /// Which simulated plant; the same seed says the same again
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// Runs until Ctrl-C.
pub async fn demo(config: Config, args: &DemoArgs) -> anyhow::Result<bool> {
    if !args.speed.is_finite() || args.speed <= 0.0 {
        bail!("--speed {} is no pace; write a number above 0", args.speed);
    }
    let demo =
        Demo { folder: args.data.clone(), port: args.port, speed: args.speed, seed: args.seed };
    let say = |ready: &Ready| {
        introduce(ready, args.speed);
        open_browser(&format!("http://{}", ready.address));
    };
    Box::pin(run(config, &demo, stop_token(), say)).await
}

fn introduce(ready: &Ready, speed: f64) {
    let Ready { address, brokers, topic, lake, sensors, from } = ready;
    let pace = if (speed - 1.0).abs() > f64::EPSILON {
        format!(", {speed} times as fast as the clock")
    } else {
        String::new()
    };
    print::line("A simulated plant: nothing here is measured anywhere.");
    print::line(&format!("  pages   http://{address}"));
    print::line("  login   none: everybody at this machine is the local administrator of the demo");
    print::line(&format!(
        "  stream  {sensors} sensors, one message a second each{pace}, from {} on",
        from.format("%Y-%m-%d %H:%M:%S UTC")
    ));
    print::line(&format!("  broker  {brokers}, topic {topic}: any Kafka client may join in"));
    print::line(&format!("  lake    {lake}, with dumps of the 30 days before the first start"));
    print::line("Ctrl-C ends it; started again it goes on where it was.");
}

/// Shows the pages where there is a desktop to show them on; where that fails the address was said.
fn open_browser(address: &str) {
    let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|it| config::env(it).is_some());
    if !has_desktop {
        return;
    }
    let mut open = Command::new("xdg-open");
    open.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = open.spawn() {
        tracing::info!(%error, "browser_not_opened");
    }
}
