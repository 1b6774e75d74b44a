//! The connection with commands, and transfers.

use super::listing::{self, Named};
use super::reply::{self, FtpReply};
use super::tls::Tls;
use super::{FtpAddress, FtpSecurity};
use crate::entry::{Found, Version, too_many};
use crate::{Cause, Failure, Limits, within};
use bytes::{Bytes, BytesMut};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite,
    AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;

/// The longest line of a reply.
const LINE_BYTES: u64 = 8 * 1024;

/// Lines of one reply.
const REPLY_LINES: usize = 1_000;

/// Bytes of a file that are handed on at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Bytes of an entry of a listing: its facts, and a name of up to 255 signs.
const ENTRY_BYTES: usize = 2 * 1024;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Connection = Box<dyn Stream>;

/// A connection that has logged in.
pub struct FtpSession {
    control: BufReader<Connection>,
    tls: Option<Tls>,
    /// Where transfers connect to; the port changes.
    peer: SocketAddr,
    shown: String,
    /// The folder after the login.
    home: String,
    has_mlsd: bool,
    has_no_epsv: bool,
    connect: Duration,
    silence: Duration,
}

impl std::fmt::Debug for FtpSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FtpSession").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// The bytes of a transfer.
pub struct Transfer {
    data: Connection,
    silence: Duration,
    is_encrypted: bool,
}

impl Transfer {
    /// The next bytes; `None` at the end, which [`FtpSession::end_transfer`] confirms.
    pub async fn read(&mut self) -> Result<Option<Bytes>, Failure> {
        let (silence, is_encrypted, data) = (self.silence, self.is_encrypted, &mut self.data);
        within(silence, "a transfer", async {
            let mut bytes = BytesMut::with_capacity(CHUNK_BYTES);
            match data.read_buf(&mut bytes).await {
                Ok(0) => Ok(None),
                Ok(_) => Ok(Some(bytes.freeze())),
                // Some servers end TLS without its last message. The reply to the command and the size of the
                // file show whether everything has arrived.
                Err(error) if is_encrypted && error.kind() == io::ErrorKind::UnexpectedEof => {
                    Ok(None)
                }
                Err(error) => Err(Failure::broken(&error)),
            }
        })
        .await
    }
}

impl FtpSession {
    /// Connects and logs in.
    pub async fn open(address: &FtpAddress, limits: &Limits) -> Result<Self, Failure> {
        let shown = address.shown();
        let tls = match address.security {
            FtpSecurity::Plain => None,
            FtpSecurity::Explicit | FtpSecurity::Implicit => Some(Tls::new(address)?),
        };
        let stream = connect(limits.connect, &shown, (address.host.as_str(), address.port)).await?;
        let peer = stream.peer_addr().map_err(|error| Failure::broken(&error))?;
        let implicit = tls.as_ref().filter(|_| address.security == FtpSecurity::Implicit);
        let mut greeted = Greeting { shown: &shown, silence: limits.silence };
        let control: BufReader<Connection> = match (implicit, &tls) {
            (Some(tls), _) => {
                let mut control = boxed(tls.start(stream).await?);
                greeted.read(&mut control).await?;
                control
            }
            (None, Some(tls)) => {
                let mut plain = BufReader::new(stream);
                greeted.read(&mut plain).await?;
                greeted.start_tls(&mut plain).await?;
                boxed(tls.start(plain.into_inner()).await?)
            }
            (None, None) => {
                let mut control = boxed(stream);
                greeted.read(&mut control).await?;
                control
            }
        };
        let mut session = Self {
            control,
            tls,
            peer,
            shown,
            home: "/".to_owned(),
            has_mlsd: false,
            has_no_epsv: false,
            connect: limits.connect,
            silence: limits.silence,
        };
        session.log_in(address).await?;
        Ok(session)
    }

    async fn log_in(&mut self, address: &FtpAddress) -> Result<(), Failure> {
        let user = self.request(&format!("USER {}", address.user)).await?;
        match user.code {
            230 => {}
            331 => {
                let password = self.request(&format!("PASS {}", address.password.expose())).await?;
                // The reply may repeat the command.
                if !matches!(password.code, 202 | 230) {
                    let reply = FtpReply { code: password.code, lines: Vec::new() };
                    let cause = reply.failure("PASS").cause;
                    let cause = if cause == Cause::Broken { cause } else { Cause::Refused };
                    return Err(self.failed(Failure::new(cause, format!("PASS: {}", reply.code))));
                }
            }
            _ => return Err(self.failed(user.failure("USER"))),
        }
        if self.tls.is_some() {
            self.expect("PBSZ 0", &[200]).await?;
            self.expect("PROT P", &[200]).await?;
        }
        let features = self.request("FEAT").await?;
        let is_offered = features.code == 211;
        let has = |name: &str| {
            let mut lines = features.lines.iter().map(|line| line.trim().to_ascii_uppercase());
            is_offered && lines.any(|line| line.split([' ', ';']).next() == Some(name))
        };
        self.has_mlsd = has("MLST") || has("MLSD");
        if has("UTF8") {
            // Servers that always use it refuse the command.
            self.request("OPTS UTF8 ON").await?;
        }
        self.expect("TYPE I", &[200]).await?;
        let folder = self.request("PWD").await?;
        let home = reply::quoted_folder(folder.text()).filter(|_| folder.code == 257);
        self.home = home.unwrap_or_else(|| "/".to_owned());
        Ok(())
    }

    /// The entries of a folder.
    pub async fn folder(&mut self, path: &str, most: usize) -> Result<Vec<Found>, Failure> {
        let path = self.server_path(path);
        // As an argument of `LIST` a name with spaces or a hyphen could be taken for something else.
        self.expect(&format!("CWD {path}"), &[200, 250]).await?;
        if self.has_mlsd {
            let text = self.listing("MLSD", most).await?;
            return listing::machine(&text, most);
        }
        let text = self.listing("LIST", most).await?;
        let mut found = Vec::new();
        for entry in listing::for_people(&text, most)? {
            found.push(match entry {
                Named::Other(entry) => entry,
                Named::File(name) => {
                    let at = format!("{}/{name}", path.trim_end_matches('/'));
                    match self.version(&at).await {
                        Ok(version) => Found::File { name, version },
                        // It was deleted in the meantime.
                        Err(failure) if failure.cause == Cause::Absent => continue,
                        Err(failure) => return Err(failure),
                    }
                }
            });
        }
        Ok(found)
    }

    /// Begins to read a file.
    pub async fn open_file(&mut self, path: &str) -> Result<(Version, Transfer), Failure> {
        let path = self.server_path(path);
        let version = self.version(&path).await?;
        let transfer = self.transfer(&format!("RETR {path}")).await?;
        Ok((version, transfer))
    }

    /// Receives the reply that ends a transfer, with whether it was complete.
    pub async fn end_transfer(&mut self) -> Result<(), Failure> {
        let reply = self.receive().await?;
        match reply.code {
            226 | 250 => Ok(()),
            _ => Err(self.failed(reply.failure("a transfer"))),
        }
    }

    async fn version(&mut self, path: &str) -> Result<Version, Failure> {
        let size = self.expect(&format!("SIZE {path}"), &[213]).await?;
        let time = self.expect(&format!("MDTM {path}"), &[213]).await?;
        let version = size.text().trim().parse().ok().zip(listing::time(time.text().trim()));
        let (size_bytes, modified_at) = version.ok_or_else(|| {
            let detail = format!("SIZE: {}, MDTM: {}", size.text(), time.text());
            self.failed(Failure::new(Cause::Unsupported, detail))
        })?;
        Ok(Version { size_bytes, modified_at, etag: None })
    }

    async fn listing(&mut self, command: &str, most: usize) -> Result<Vec<u8>, Failure> {
        let mut transfer = self.transfer(command).await?;
        let mut text = Vec::new();
        while let Some(bytes) = transfer.read().await? {
            text.extend_from_slice(&bytes);
            if text.len() > most.saturating_add(1).saturating_mul(ENTRY_BYTES) {
                return Err(too_many(most));
            }
        }
        drop(transfer);
        self.end_transfer().await?;
        Ok(text)
    }

    /// Opens a passive connection and sends the command that uses it.
    async fn transfer(&mut self, command: &str) -> Result<Transfer, Failure> {
        let port = self.passive().await?;
        let mut peer = self.peer;
        peer.set_port(port);
        let stream = connect(self.connect, &peer.to_string(), peer).await?;
        self.expect(command, &[125, 150]).await?;
        let is_encrypted = self.tls.is_some();
        let data: Connection = match &self.tls {
            Some(tls) => Box::new(within(self.silence, "a transfer", tls.start(stream)).await?),
            None => Box::new(stream),
        };
        Ok(Transfer { data, silence: self.silence, is_encrypted })
    }

    async fn passive(&mut self) -> Result<u16, Failure> {
        if !self.has_no_epsv {
            let reply = self.request("EPSV").await?;
            match (reply.code, reply::extended_port(reply.text())) {
                (229, Some(port)) => return Ok(port),
                (500..=599, _) => self.has_no_epsv = true,
                _ => return Err(self.failed(reply.failure("EPSV"))),
            }
        }
        let reply = self.expect("PASV", &[227]).await?;
        let port = reply::passive_port(reply.text());
        port.ok_or_else(|| self.failed(Failure::new(Cause::Unsupported, reply.text())))
    }

    /// The path at the server: `~/x` is relative to the folder after the login, anything else to the root.
    fn server_path(&self, path: &str) -> String {
        match path.strip_prefix('~') {
            Some("") => self.home.clone(),
            Some(rest) if rest.starts_with('/') => {
                format!("{}{rest}", self.home.trim_end_matches('/'))
            }
            _ => format!("/{path}"),
        }
    }

    async fn expect(&mut self, command: &str, codes: &[u16]) -> Result<FtpReply, Failure> {
        let reply = self.request(command).await?;
        match codes.contains(&reply.code) {
            true => Ok(reply),
            false => Err(self.failed(reply.failure(command))),
        }
    }

    async fn request(&mut self, command: &str) -> Result<FtpReply, Failure> {
        let (shown, control) = (&self.shown, &mut self.control);
        within(self.silence, shown, send(control, command)).await?;
        self.receive().await
    }

    async fn receive(&mut self) -> Result<FtpReply, Failure> {
        let (shown, control) = (&self.shown, &mut self.control);
        let received = within(self.silence, shown, receive(control)).await;
        received.map_err(|failure| self.failed(failure))
    }

    /// The failure with the server's address.
    fn failed(&self, failure: Failure) -> Failure {
        Failure::new(failure.cause, format!("{}: {}", self.shown, failure.detail))
    }
}

/// What precedes the login.
struct Greeting<'a> {
    shown: &'a str,
    silence: Duration,
}

impl Greeting<'_> {
    async fn read(&mut self, control: &mut (impl AsyncBufRead + Unpin)) -> Result<(), Failure> {
        self.expect(control, "the greeting", 220).await
    }

    async fn start_tls(&mut self, control: &mut BufReader<TcpStream>) -> Result<(), Failure> {
        within(self.silence, self.shown, send(control, "AUTH TLS")).await?;
        self.expect(control, "AUTH TLS", 234).await?;
        // Text that a stranger put before the handshake must not be taken for replies after it.
        match control.buffer() {
            [] => Ok(()),
            _ => Err(Failure::new(Cause::Unsupported, "the server sent text before TLS began")),
        }
    }

    async fn expect(
        &mut self,
        control: &mut (impl AsyncBufRead + Unpin),
        what: &str,
        code: u16,
    ) -> Result<(), Failure> {
        let reply = within(self.silence, self.shown, receive(control)).await?;
        if reply.code == code {
            return Ok(());
        }
        let failure = reply.failure(what);
        Err(Failure::new(failure.cause, format!("{}: {}", self.shown, failure.detail)))
    }
}

fn boxed(stream: impl Stream + 'static) -> BufReader<Connection> {
    BufReader::new(Box::new(stream))
}

async fn connect(
    limit: Duration,
    shown: &str,
    to: impl tokio::net::ToSocketAddrs,
) -> Result<TcpStream, Failure> {
    within(limit, shown, async {
        let stream = TcpStream::connect(to).await;
        stream.map_err(|error| Failure::new(Cause::Away, format!("{shown}: {error}")))
    })
    .await
}

async fn send(control: &mut (impl AsyncWrite + Unpin), command: &str) -> Result<(), Failure> {
    if command.contains(['\r', '\n']) {
        return Err(Failure::new(Cause::Local, "a user, a password or a path has a line end"));
    }
    let line = format!("{command}\r\n");
    control.write_all(line.as_bytes()).await.map_err(|error| Failure::broken(&error))?;
    control.flush().await.map_err(|error| Failure::broken(&error))
}

async fn receive(control: &mut (impl AsyncBufRead + Unpin)) -> Result<FtpReply, Failure> {
    let mut lines = Vec::new();
    let mut first = None;
    while lines.len() < REPLY_LINES {
        let mut bytes = Vec::new();
        let read = (&mut *control).take(LINE_BYTES).read_until(b'\n', &mut bytes).await;
        read.map_err(|error| Failure::broken(&error))?;
        if bytes.pop() != Some(b'\n') {
            return Err(Failure::new(Cause::Broken, "the connection was closed"));
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\r');
        match (first, reply::line(text)) {
            (None, Some((code, true, rest))) => {
                return Ok(FtpReply { code, lines: vec![rest.to_owned()] });
            }
            (None, Some((code, false, rest))) => {
                first = Some(code);
                lines.push(rest.to_owned());
            }
            (None, None) => {
                let detail = format!("no reply of FTP: {text}");
                return Err(Failure::new(Cause::Unsupported, detail));
            }
            (Some(code), Some((last, true, rest))) if code == last => {
                lines.push(rest.to_owned());
                return Ok(FtpReply { code, lines });
            }
            (Some(_), _) => lines.push(text.to_owned()),
        }
    }
    Err(Failure::new(Cause::Unsupported, format!("a reply has more than {REPLY_LINES} lines")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn received(mut bytes: &[u8]) -> Result<FtpReply, Failure> {
        receive(&mut bytes).now_or_never().unwrap()
    }

    #[test]
    fn replies_have_one_line_or_several() {
        let reply = received(b"220 ready\r\n221 x").unwrap();
        assert_eq!(reply, FtpReply { code: 220, lines: vec!["ready".to_owned()] });
        let features = b"211-Features:\r\n MLST type*;size*;\r\n 226 x\r\n212 y\r\n211 End\r\n";
        let reply = received(features).unwrap();
        assert_eq!(reply.code, 211);
        assert_eq!(reply.lines[1..], [" MLST type*;size*;", " 226 x", "212 y", "End"]);
        assert_eq!(received(b"220").unwrap_err().cause, Cause::Broken);
        assert_eq!(received(b"").unwrap_err().cause, Cause::Broken);
        assert_eq!(received(b"SSH-2.0-OpenSSH\r\n").unwrap_err().cause, Cause::Unsupported);
    }

    #[test]
    fn a_reply_has_an_end() {
        let long = [b"220 ".to_vec(), vec![b'x'; 20_000]].concat();
        assert_eq!(received(&long).unwrap_err().cause, Cause::Broken);
        let lines = format!("220-a\r\n{}", "b\r\n".repeat(2_000));
        assert_eq!(received(lines.as_bytes()).unwrap_err().cause, Cause::Unsupported);
    }

    #[test]
    fn a_command_is_one_line() {
        let mut sent = Vec::new();
        let done = send(&mut sent, "CWD /a\r\nDELE b").now_or_never().unwrap();
        assert!(done.is_err() && sent.is_empty());
        send(&mut sent, "NOOP").now_or_never().unwrap().unwrap();
        assert_eq!(sent, b"NOOP\r\n");
    }
}
