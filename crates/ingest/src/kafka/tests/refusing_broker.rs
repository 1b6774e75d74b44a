//! A broker that speaks just enough of the protocol to refuse every password.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const SASL_AUTHENTICATE: i16 = 36;
const SASL_AUTHENTICATION_FAILED: i16 = 58;

/// The requests it announces, each with its oldest and newest version.
const SUPPORTED: [(i16, i16, i16); 4] =
    [(3, 0, 9), (SASL_HANDSHAKE, 0, 1), (API_VERSIONS, 0, 3), (SASL_AUTHENTICATE, 0, 1)];

pub struct RefusingBroker {
    pub address: String,
    attempts: Arc<AtomicUsize>,
}

impl RefusingBroker {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let attempts = Arc::new(AtomicUsize::new(0));
        let counted = attempts.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counted = counted.clone();
                // The client closes the connection in the end.
                thread::spawn(move || serve(stream, &counted).unwrap_or_default());
            }
        });
        Self { address, attempts }
    }

    /// Passwords it has refused.
    pub fn attempts(&self) -> usize {
        self.attempts.load(Ordering::Relaxed)
    }
}

fn serve(mut stream: TcpStream, attempts: &AtomicUsize) -> io::Result<()> {
    loop {
        let mut size = [0; 4];
        stream.read_exact(&mut size)?;
        let mut request = vec![0; usize::try_from(i32::from_be_bytes(size)).unwrap()];
        stream.read_exact(&mut request)?;
        let int = |at: usize| i16::from_be_bytes([request[at], request[at + 1]]);
        let body = match int(0) {
            API_VERSIONS => api_versions(int(2)),
            SASL_HANDSHAKE => [&[0, 0, 0, 0, 0, 1][..], &text("PLAIN")].concat(),
            SASL_AUTHENTICATE => {
                attempts.fetch_add(1, Ordering::Relaxed);
                let code = SASL_AUTHENTICATION_FAILED.to_be_bytes();
                [&code[..], &text("Authentication failed: wrong password"), &[0; 12]].concat()
            }
            other => panic!("request {other} before authentication"),
        };
        let size = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        stream.write_all(&[&size[..], &request[4..8], &body].concat())?;
    }
}

fn api_versions(version: i16) -> Vec<u8> {
    let is_compact = version >= 3;
    let count = u8::try_from(SUPPORTED.len()).unwrap();
    let mut body = vec![0, 0];
    if is_compact {
        body.push(count + 1);
    } else {
        body.extend([0, 0, 0, count]);
    }
    for (key, oldest, newest) in SUPPORTED {
        body.extend([key, oldest, newest].map(i16::to_be_bytes).concat());
        body.extend(is_compact.then_some(0));
    }
    if is_compact {
        body.extend([0; 5]);
    }
    body
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&length[..], text.as_bytes()].concat()
}
