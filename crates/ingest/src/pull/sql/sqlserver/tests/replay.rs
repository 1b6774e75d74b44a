//! A server on a socket of this machine, which replays the protocol of SQL Server: messages as MS-TDS 2.2 defines
//! them, with the tokens of a script.

use super::tokens;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

const BATCH: u8 = 1;
const RESULT: u8 = 4;
const ATTENTION: u8 = 6;
const LOGIN: u8 = 16;
const PRELOGIN: u8 = 18;
const HEADER_BYTES: usize = 8;
/// The smallest packets that the protocol allows, so that answers have many.
pub const PACKET_BYTES: usize = 512;

const ENCRYPTION_ON: u8 = 1;
const ENCRYPTION_NOT_SUPPORTED: u8 = 2;

/// What the server answers a batch or a login with.
pub enum Reply {
    /// All tokens of the answer.
    Whole(Vec<u8>),
    /// The first tokens, after which the connection ends.
    Cut(Vec<u8>),
    /// The first tokens; the others follow when the client cancels the batch.
    Stalled(Vec<u8>),
}

/// What the client sent.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub logins: Vec<Login>,
    /// Texts of the batches, each with the descriptor of its transaction.
    pub batches: Vec<(String, [u8; 8])>,
    pub cancelled: usize,
}

/// What a client logged in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: String,
    pub program: String,
    pub database: String,
    pub is_read_only: bool,
}

/// Answers batches by their text.
type Script = Box<dyn FnMut(&str) -> Reply + Send>;

/// The server.
pub struct Replay {
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Replay {
    /// A server that accepts every login and answers batches by `script`.
    pub fn new(script: impl FnMut(&str) -> Reply + Send + 'static) -> Self {
        Self::start(None, |_| Reply::Whole(login()), Box::new(script))
    }

    /// A server that answers each login with these tokens.
    pub fn refusing(login: Vec<u8>) -> Self {
        Self::start(None, move |_| Reply::Whole(login.clone()), Box::new(unexpected))
    }

    /// A server that refers to itself.
    pub fn circle() -> Self {
        let referral = |port| {
            let routing = tokens::routing("127.0.0.1", port);
            Reply::Whole([tokens::login_ack(), routing, tokens::done(0, false)].concat())
        };
        Self::start(None, referral, Box::new(unexpected))
    }

    /// A server with TLS.
    pub fn encrypted(
        tls: Arc<ServerConfig>,
        script: impl FnMut(&str) -> Reply + Send + 'static,
    ) -> Self {
        Self::start(Some(tls), |_| Reply::Whole(login()), Box::new(script))
    }

    fn start(
        tls: Option<Arc<ServerConfig>>,
        login: impl Fn(u16) -> Reply + Send + 'static,
        script: Script,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut serving = Serving { port, tls, login: Box::new(login), script, seen: seen.clone() };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // The client may end a connection at any time.
                let _ended = serving.connection(stream);
            }
        });
        Self { port, seen }
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

fn unexpected(text: &str) -> Reply {
    panic!("no batch was expected: {text}")
}

/// The tokens of a login that succeeds.
fn login() -> Vec<u8> {
    [
        tokens::database("Production"),
        tokens::info(5701, "Changed database context to 'Production'."),
        tokens::login_ack(),
        tokens::packet_size(PACKET_BYTES),
        tokens::done(0, false),
    ]
    .concat()
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

struct Serving {
    port: u16,
    tls: Option<Arc<ServerConfig>>,
    login: Box<dyn Fn(u16) -> Reply + Send>,
    script: Script,
    seen: Arc<Mutex<Seen>>,
}

impl Serving {
    fn connection(&mut self, mut socket: TcpStream) -> io::Result<()> {
        let (kind, _options) = read_message(&mut socket)?;
        assert_eq!(kind, PRELOGIN);
        let encryption = if self.tls.is_some() { ENCRYPTION_ON } else { ENCRYPTION_NOT_SUPPORTED };
        write_message(&mut socket, RESULT, &prelogin(encryption))?;
        let mut stream: Box<dyn Stream> = match self.tls.clone() {
            Some(tls) => Box::new(handshake(socket, tls)?),
            None => Box::new(socket),
        };
        loop {
            let (kind, body) = read_message(&mut stream)?;
            let answer = match kind {
                LOGIN => {
                    self.seen.lock().unwrap().logins.push(parse_login(&body));
                    (self.login)(self.port)
                }
                BATCH => {
                    let batch = parse_batch(&body);
                    self.seen.lock().unwrap().batches.push(batch.clone());
                    (self.script)(&batch.0)
                }
                ATTENTION => {
                    self.seen.lock().unwrap().cancelled += 1;
                    Reply::Whole(tokens::cancelled())
                }
                other => panic!("a message of type {other}"),
            };
            match answer {
                Reply::Whole(tokens) => write_message(&mut stream, RESULT, &tokens)?,
                Reply::Cut(tokens) => return write_packets(&mut stream, RESULT, &tokens, false),
                Reply::Stalled(tokens) => write_packets(&mut stream, RESULT, &tokens, false)?,
            }
        }
    }
}

/// The options of a PRELOGIN: version and encryption.
fn prelogin(encryption: u8) -> Vec<u8> {
    let (version_at, encryption_at) = (11, 17);
    let mut out = vec![0, 0, version_at, 0, 6, 1, 0, encryption_at, 0, 1, 0xff];
    out.extend([16, 0, 0x10, 0x27, 0, 0, encryption]);
    out
}

fn read_message(stream: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut body = Vec::new();
    loop {
        let (kind, is_last, part) = read_packet(stream)?;
        body.extend(part);
        if is_last {
            return Ok((kind, body));
        }
    }
}

fn read_packet(stream: &mut impl Read) -> io::Result<(u8, bool, Vec<u8>)> {
    let mut header = [0; HEADER_BYTES];
    stream.read_exact(&mut header)?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let mut part = vec![0; length - HEADER_BYTES];
    stream.read_exact(&mut part)?;
    Ok((header[0], header[1] & 1 == 1, part))
}

fn write_message(stream: &mut impl Write, kind: u8, body: &[u8]) -> io::Result<()> {
    write_packets(stream, kind, body, true)
}

fn write_packets(stream: &mut impl Write, kind: u8, body: &[u8], has_end: bool) -> io::Result<()> {
    let parts = body.chunks(PACKET_BYTES - HEADER_BYTES);
    let last = parts.len().saturating_sub(1);
    for (at, part) in parts.enumerate() {
        let is_last = u8::from(has_end && at == last);
        let length = u16::try_from(part.len() + HEADER_BYTES).unwrap().to_be_bytes();
        let number = u8::try_from(at % 256).unwrap();
        stream.write_all(&[kind, is_last, length[0], length[1], 0, 51, number, 0])?;
        stream.write_all(part)?;
    }
    stream.flush()
}

/// The handshake, whose records are in PRELOGIN packets.
fn handshake(
    mut socket: TcpStream,
    tls: Arc<ServerConfig>,
) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
    let mut connection = ServerConnection::new(tls).unwrap();
    while connection.is_handshaking() {
        while connection.wants_write() {
            let mut records = Vec::new();
            connection.write_tls(&mut records)?;
            write_message(&mut socket, PRELOGIN, &records)?;
        }
        if !connection.is_handshaking() {
            break;
        }
        let (_, _, part) = read_packet(&mut socket)?;
        let mut records = part.as_slice();
        while !records.is_empty() {
            connection.read_tls(&mut records)?;
            let processed = connection.process_new_packets();
            processed.map_err(|it| io::Error::new(ErrorKind::InvalidData, it))?;
        }
    }
    Ok(StreamOwned::new(connection, socket))
}

fn parse_login(body: &[u8]) -> Login {
    let number = |at: usize| usize::from(u16::from_le_bytes([body[at], body[at + 1]]));
    let bytes = |index: usize| {
        let at = 36 + 4 * index;
        body[number(at)..number(at) + 2 * number(at + 2)].to_vec()
    };
    let password: Vec<u8> = bytes(2).into_iter().map(|byte| (byte ^ 0xa5).rotate_left(4)).collect();
    Login {
        user: from_utf16(&bytes(1)),
        password: from_utf16(&password),
        program: from_utf16(&bytes(3)),
        database: from_utf16(&bytes(8)),
        is_read_only: body[26] & 0x20 != 0,
    }
}

/// The text of a batch, and the descriptor of its transaction.
fn parse_batch(body: &[u8]) -> (String, [u8; 8]) {
    let headers = u32::from_le_bytes(body[..4].try_into().unwrap());
    let descriptor = body[10..18].try_into().unwrap();
    (from_utf16(&body[usize::try_from(headers).unwrap()..]), descriptor)
}

fn from_utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    String::from_utf16(&units.collect::<Vec<_>>()).unwrap()
}
