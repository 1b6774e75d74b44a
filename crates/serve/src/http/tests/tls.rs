//! TLS over real connections: both protocols, plain HTTP by mistake, and idle clients.

use super::{TestClient, now};
use crate::Limits;
use crate::http::{Certificates, Endpoint, TlsFiles, serve};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

/// The address of a service over TLS, and its root certificate.
struct Encrypted {
    address: SocketAddr,
    root: CertificateDer<'static>,
    _folder: TempDir,
}

impl Encrypted {
    /// Runs `client` against a service with these limits.
    async fn run(limits: Limits, client: impl AsyncFnOnce(Self)) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        let files = TlsFiles { certificate: path("cert.pem"), key: path("key.pem") };
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        std::fs::write(&files.certificate, &pem).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        let opened = Certificates::open(files, None, Duration::from_secs(1), Arc::new(now)).await;
        let certificates = Some(Arc::new(opened.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let root = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let stop = CancellationToken::new();
        let router = TestClient::with_limits(limits.clone(), &[]).router();
        let endpoint = Endpoint { certificates, ..Endpoint::default() };
        let serving = serve(listener, router, &limits, endpoint, stop.clone());
        let client = async {
            client(Self { address, root, _folder: folder }).await;
            stop.cancel();
        };
        let (served, ()) = tokio::join!(serving, client);
        served.unwrap();
    }

    /// A connection that offers `protocols` by ALPN.
    async fn connect(&self, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

/// All bytes until the connection ends, which may be abrupt.
async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let _end = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const END_STREAM_AND_HEADERS: u8 = 0x5;

/// The start of a connection whose client gives each stream a window of `window_bytes`.
fn preface(window_bytes: u32) -> Vec<u8> {
    let setting = [&[0, 4], &window_bytes.to_be_bytes()[..]].concat();
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &setting)].concat()
}

/// A GET of `path`.
fn get(path: &str) -> Vec<u8> {
    const METHOD_GET: u8 = 0x82;
    head(METHOD_GET, path, END_STREAM_AND_HEADERS)
}

/// The head of a POST to `path`, which a body follows.
fn post(path: &str) -> Vec<u8> {
    const METHOD_POST: u8 = 0x83;
    head(METHOD_POST, path, END_HEADERS)
}

/// The head of a request, its header fields without compression (RFC 7541, section 6.2.2).
fn head(method: u8, path: &str, flags: u8) -> Vec<u8> {
    let literal = |name_index: u8, value: &str| {
        [&[name_index, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
    };
    // :method, :scheme https, :path, :authority.
    let fields = [vec![method, 0x87], literal(4, path), literal(1, "localhost")].concat();
    frame(HEADERS, flags, 1, &fields)
}

/// The kinds of the frames in `bytes`.
fn kinds(bytes: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + 9) {
        kinds.push(head[3]);
        at += 9 + usize::from(head[1]) * 256 + usize::from(head[2]);
    }
    kinds
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_are_served() {
    Encrypted::run(Limits::default(), async |service| {
        for offered in [&[b"http/1.1".as_slice()][..], &[]] {
            let mut stream = service.connect(offered).await;
            let get = "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            stream.write_all(get.as_bytes()).await.unwrap();
            assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200"));
        }
        let mut stream = service.connect(&[b"h2", b"http/1.1"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        stream.write_all(&preface(65_535)).await.unwrap();
        stream.write_all(&get("/api/v1/health")).await.unwrap();
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains("\"state\"") {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        }
        assert!(kinds(&bytes).contains(&HEADERS));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_answered_with_advice() {
    Encrypted::run(Limits::default(), async |service| {
        let mut stream = TcpStream::connect(service.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("https://"), "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_not_finish_are_disconnected() {
    let short = Duration::from_millis(100);
    let limits =
        Limits { handshake_time: short, head_time: short, stall_time: short, ..Limits::default() };
    Encrypted::run(limits, async |service| {
        for start in [&b""[..], &[0x16], &[0x16, 3, 1, 0, 200, 1, 0, 0]] {
            let mut stream = TcpStream::connect(service.address).await.unwrap();
            stream.write_all(start).await.unwrap();
            assert_eq!(rest(&mut stream).await, "", "{start:?}");
        }
        let mut http1 = service.connect(&[b"http/1.1"]).await;
        http1.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.unwrap();
        assert_eq!(rest(&mut http1).await, "");
        let mut http2 = service.connect(&[b"h2"]).await;
        http2.write_all(&preface(65_535)).await.unwrap();
        rest(&mut http2).await;
    })
    .await;
}

/// A reset instead of the end of the body makes some clients discard the response.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_with_a_body_is_answered_without_a_reset() {
    Encrypted::run(Limits::default(), async |service| {
        let mut stream = service.connect(&[b"h2"]).await;
        let ping = frame(PING, 0, 0, &[0; 8]);
        let mut bytes = Vec::new();
        for part in [&[preface(65_535), post("/nowhere")].concat(), &frame(DATA, 0, 1, b"ab")] {
            stream.write_all(part).await.unwrap();
        }
        // The service has seen the head and part of the body once it answers the first ping, and has
        // sent everything about the request before it answers the second.
        let pings = |bytes: &[u8]| kinds(bytes).iter().filter(|kind| **kind == PING).count();
        stream.write_all(&ping).await.unwrap();
        while pings(&bytes) < 1 {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        }
        stream.write_all(&frame(DATA, END_STREAM, 1, b"cd")).await.unwrap();
        while !kinds(&bytes).contains(&HEADERS) {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        }
        stream.write_all(&ping).await.unwrap();
        while pings(&bytes) < 2 {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        }
        assert!(!kinds(&bytes).contains(&RST_STREAM), "{:?}", kinds(&bytes));
    })
    .await;
}

/// A client of HTTP/2 that gives no window for its response loses its query's permit to the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_http2_that_reads_nothing_is_disconnected() {
    let limits = Limits {
        queries: 1,
        wait_time: Duration::from_secs(30),
        stall_time: Duration::from_millis(200),
        ..Limits::default()
    };
    Encrypted::run(limits, async |service| {
        let mut idle = service.connect(&[b"h2"]).await;
        idle.write_all(&preface(0)).await.unwrap();
        let sql = "SELECT+*+FROM+generate_series(1,9000000)&format=csv";
        idle.write_all(&get(&format!("/api/v1/query?sql={sql}"))).await.unwrap();
        let mut bytes = Vec::new();
        while !kinds(&bytes).contains(&HEADERS) {
            assert_ne!(idle.read_buf(&mut bytes).await.unwrap(), 0);
        }
        let mut next = service.connect(&[b"http/1.1"]).await;
        let head = "GET /api/v1/query?sql=SELECT+1+AS+n HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        next.write_all(head.as_bytes()).await.unwrap();
        let answer = rest(&mut next).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"n\":1"), "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_long_is_refused() {
    let limits = Limits { head_bytes: 8 * 1024, ..Limits::default() };
    Encrypted::run(limits, async |service| {
        let mut stream = service.connect(&[b"http/1.1"]).await;
        let head =
            format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(20_000));
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    })
    .await;
}
