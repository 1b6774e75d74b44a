//! `cockpit serve` on a free port of this machine, for as long as a test needs it.

use crate::machine;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// How long the program may take to answer after its start.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long it may take to end after the signal.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Time limit of one health check, and the pause to the next.
const CHECK_LIMIT: Duration = Duration::from_secs(5);
const CHECK_EVERY: Duration = Duration::from_millis(50);

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
    /// Disconnected as soon as the program ends.
    ended: Receiver<()>,
}

impl Server {
    /// Starts `program` over `lake` and waits until it answers. Its stderr goes to `log`.
    pub fn start(program: &Path, lake: &Path, log: &Path) -> Result<Self, String> {
        let describe = |error: io::Error| format!("cockpit serve: {error}");
        let address = free_address().map_err(describe)?;
        let mut command = Command::new(program);
        command.args(["serve", "--no-ingest", "--listen", &address.to_string(), "--lake"]);
        command.arg(lake).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(describe)?;
        let mut stderr = child.stderr.take().ok_or("cockpit serve: nothing to read from")?;
        let mut file = File::create(log).map_err(describe)?;
        let (running, ended) = sync_channel(0);
        thread::spawn(move || {
            let copied = io::copy(&mut stderr, &mut file);
            drop((running, copied));
        });
        let server = Self { child, address, log: log.to_owned(), ended };
        server.wait_for_health()?;
        Ok(server)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn wait_for_health(&self) -> Result<(), String> {
        let deadline = machine::now() + START_LIMIT;
        while !self.is_healthy() {
            if machine::now() > deadline {
                return Err(format!("cockpit serve did not answer within {START_LIMIT:?}"));
            }
            if self.ended.recv_timeout(CHECK_EVERY) == Err(RecvTimeoutError::Disconnected) {
                let words = std::fs::read_to_string(&self.log).unwrap_or_default();
                return Err(format!("cockpit serve ended before it answered: {}", words.trim()));
            }
        }
        Ok(())
    }

    fn is_healthy(&self) -> bool {
        let request = || -> io::Result<String> {
            let mut stream = TcpStream::connect_timeout(&self.address, CHECK_LIMIT)?;
            stream.set_read_timeout(Some(CHECK_LIMIT))?;
            let head =
                "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            stream.write_all(head.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        request().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// Sends SIGTERM and checks that the program exits with success and in time.
    pub fn stop(mut self) -> Result<(), String> {
        let pid = self.child.id().to_string();
        machine::answer(Command::new("kill").args(["-TERM", &pid]))
            .ok_or("cockpit serve exited before it was stopped")?;
        if self.ended.recv_timeout(STOP_LIMIT) == Err(RecvTimeoutError::Timeout) {
            return Err(format!("cockpit serve did not end within {STOP_LIMIT:?}"));
        }
        let status = self.child.wait().map_err(|error| format!("cockpit serve: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("cockpit serve ended with {status}")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A loopback address that no socket listens on now.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
