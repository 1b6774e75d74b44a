//! The service over TLS, behind a proxy, and towards other machines: the real program and curl.

use crate::lease::until;
use crate::world::World;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const NAME: &str = "cockpit.plant.example";

/// Where `cockpit certificate` writes a pair of these hosts.
fn pair(world: &World, folder: &str, hosts: &[&str]) -> (PathBuf, PathBuf) {
    let folder = world.path(folder);
    let mut arguments = vec!["certificate", "--dir", folder.to_str().unwrap()];
    arguments.extend(hosts.iter().flat_map(|host| ["--host", host]));
    world.run(&arguments).success();
    (folder.join("cockpit.crt"), folder.join("cockpit.key"))
}

/// A running service, ended when this is dropped.
struct Server {
    child: Child,
    scheme: String,
    port: u16,
    log: PathBuf,
}

impl Server {
    fn start(world: &World, arguments: &[&str], env: &[(&str, &str)]) -> Self {
        let log = world.path("serve.log");
        let mut command = world.command(&["serve", "--no-ingest"]);
        command.args(arguments).envs(env.iter().copied()).stdout(Stdio::piped());
        let mut child = command.stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("serving on ");
        let (scheme, address) = url
            .and_then(|url| url.split_once("://"))
            .unwrap_or_else(|| panic!("{line}{}", fs::read_to_string(&log).unwrap()));
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        Self { child, scheme: scheme.to_owned(), port, log }
    }

    /// With the pair, on any port of the loopback interface.
    fn encrypted(world: &World, (certificate, key): &(PathBuf, PathBuf), more: &[&str]) -> Self {
        let files =
            ["--certificate", certificate.to_str().unwrap(), "--key", key.to_str().unwrap()];
        let arguments = [&["--listen", "0"], &files[..], more].concat();
        Self::start(world, &arguments, &[("COCKPIT_TLS_RELOAD_MS", "50")])
    }

    /// What curl writes for a path of a host: the headers, the body, and on the last line the version of
    /// the protocol with the status.
    fn curl(&self, host: &str, path: &str, arguments: &[&str]) -> Option<String> {
        let port = self.port;
        let resolve = format!("{host}:{port}:127.0.0.1");
        let url = format!("{}://{host}:{port}{path}", self.scheme);
        let mut command = Command::new("curl");
        command.args(["-sS", "-i", "--noproxy", "*", "--max-time", "20", "--resolve", &resolve]);
        command.args(["-w", "\n%{http_version} %{http_code}"]).args(arguments).arg(url);
        let done = command.output().unwrap();
        done.status.success().then(|| String::from_utf8(done.stdout).unwrap())
    }

    fn trusted(&self, certificate: &Path, host: &str, arguments: &[&str]) -> Option<String> {
        let trusted = ["--cacert", certificate.to_str().unwrap()];
        self.curl(host, "/api/v1/health", &[&trusted, arguments].concat())
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[track_caller]
fn ends_with(answer: Option<&String>, end: &str) {
    assert!(answer.is_some_and(|answer| answer.ends_with(end)), "{end}: {answer:?}");
}

#[test]
fn a_certificate_is_made_once_and_its_key_is_private() {
    let world = World::new();
    let (certificate, key) = pair(&world, "tls", &[NAME, "10.0.0.5"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&key), mode(&certificate) & 0o022), (0o600, 0));
    let before = fs::read(&key).unwrap();
    let folder = world.path("tls");
    let again = ["certificate", "--host", NAME, "--dir", folder.to_str().unwrap()];
    world.run(&again).failure(&["exists already", "--dir"]);
    assert_eq!(fs::read(&key).unwrap(), before);
    world.run(&["certificate"]).failure(&["--host"]);
    world.run(&["certificate", "--host", "https://a.example"]).failure(&["invalid host"]);
}

#[test]
fn clients_that_trust_the_certificate_connect_by_both_protocols() {
    let world = World::new();
    let files = pair(&world, "tls", &["localhost", NAME]);
    let server =
        Server::encrypted(&world, &files, &["--public-url", "https://cockpit.plant.example"]);
    assert_eq!(server.scheme, "https");
    for (protocol, version) in [("--http1.1", "1.1 200"), ("--http2", "2 200")] {
        for host in ["localhost", NAME] {
            let answer = server.trusted(&files.0, host, &[protocol]);
            ends_with(answer.as_ref(), version);
            let is_pinned = answer.unwrap().to_lowercase().contains("strict-transport-security");
            assert_eq!(is_pinned, host == NAME, "{host}");
        }
    }
    let foreign = server.curl("evil.example", "/", &["--insecure"]);
    ends_with(foreign.as_ref(), " 421");
    assert_eq!(server.curl(NAME, "/", &[]), None, "an unknown certificate is not trusted");
    let old = server.trusted(&files.0, NAME, &["--tls-max", "1.1"]);
    assert_eq!(old, None, "TLS before 1.2 is refused");
}

#[test]
fn plain_http_on_the_port_of_https_gets_advice() {
    let world = World::new();
    let server = Server::encrypted(&world, &pair(&world, "tls", &["localhost"]), &[]);
    let url = format!("http://127.0.0.1:{}/", server.port);
    let done = Command::new("curl").args(["-sS", "-i", "--noproxy", "*", &url]).output().unwrap();
    let answer = String::from_utf8(done.stdout).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("https://"), "{answer}");
}

#[test]
fn a_renewed_certificate_is_used_and_a_bad_one_is_not() {
    let world = World::new();
    let files = pair(&world, "tls", &["localhost"]);
    let (next_certificate, next_key) = pair(&world, "next", &["localhost"]);
    let server = Server::encrypted(&world, &files, &[]);
    let old = world.path("old.crt");
    fs::copy(&files.0, &old).unwrap();
    ends_with(server.trusted(&old, "localhost", &[]).as_ref(), " 200");
    // Only the certificate is replaced: it does not belong to the key.
    fs::copy(&next_certificate, &files.0).unwrap();
    until("the error", || server.log().contains("certificate_reload_failed").then_some(()));
    assert!(server.log().contains("belongs to another key"), "{}", server.log());
    ends_with(server.trusted(&old, "localhost", &[]).as_ref(), " 200");
    fs::copy(&next_key, &files.1).unwrap();
    until("the new certificate", || server.trusted(&next_certificate, "localhost", &[]));
    assert_eq!(server.trusted(&old, "localhost", &[]), None);
    assert_eq!(server.log().matches("certificate_reload_failed").count(), 1, "{}", server.log());
}

#[test]
fn a_pair_that_cannot_be_used_is_refused_at_the_start() {
    let world = World::new();
    let (certificate, key) = pair(&world, "tls", &["localhost"]);
    let (_, other_key) = pair(&world, "other", &["localhost"]);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let check = |certificate: &str, key: &str, words: &[&str]| {
        world.run(&["serve", "--certificate", certificate, "--key", key]).failure(words);
    };
    let (certificate, key, other) = (text(&certificate), text(&key), text(&other_key));
    check(&certificate, &other, &["belongs to another key", &certificate, &other]);
    check(&certificate, "missing.key", &["cannot read the file missing.key", "`key`"]);
    check("missing.crt", &key, &["cannot read the file missing.crt", "`certificate`"]);
    check(&key, &key, &["invalid certificate file", "BEGIN CERTIFICATE"]);
    check(&certificate, &certificate, &["invalid key file", "BEGIN PRIVATE KEY"]);
    world.run(&["serve", "--certificate", &certificate]).failure(&["has no key", "--key FILE"]);
    world.run(&["serve", "--key", &key]).failure(&["has no certificate", "--certificate FILE"]);
}

#[test]
fn an_expired_certificate_is_used_and_reported() {
    let world = World::new();
    let files = pair(&world, "tls", &["localhost"]);
    let expiring = [("COCKPIT_TLS_EXPIRY_WARNING_DAYS", "1000")];
    let arguments = [
        "--listen",
        "0",
        "--certificate",
        files.0.to_str().unwrap(),
        "--key",
        files.1.to_str().unwrap(),
    ];
    let server = Server::start(&world, &arguments, &expiring);
    assert!(server.log().contains("certificate_expires_soon"), "{}", server.log());
    ends_with(server.trusted(&files.0, "localhost", &[]).as_ref(), " 200");
}

#[test]
fn settings_of_the_endpoint_are_checked_and_printed() {
    let world = World::new();
    let text = fs::read_to_string(world.path("plant/plant.toml")).unwrap();
    let serve = "[serve]\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n\
                 public_url = \"https://cockpit.plant.example\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n";
    world.write("plant.toml", &format!("{text}\n{serve}"));
    let printed = world.run(&["config"]).success().stdout;
    for line in [
        "certificate = \"a.pem\"",
        "key = \"b.pem\"",
        "public_url = \"https://cockpit.plant.example/\"",
        "trusted_proxies = [\"10.0.0.0/8\"]",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
    let wrong = "[serve]\ncertificate = \"a.pem\"\npublic_url = \"cockpit\"\ntrusted_proxies = [\"10.0.0.1/8\"]\n";
    world.write("plant.toml", &format!("{text}\n{wrong}"));
    let words =
        ["`certificate` without `key`", "invalid public URL `cockpit`", "expected 10.0.0.0/8"];
    world.run(&["check"]).failure(&words);
}

#[test]
fn a_proxy_reports_its_clients_and_others_are_not_believed() {
    let world = World::new();
    let forwarded =
        ["-H", "X-Forwarded-Host: cockpit.plant.example", "-H", "X-Forwarded-Proto: https"];
    let arguments = ["--listen", "0", "--host", NAME];
    let direct = Server::start(&world, &arguments, &[]);
    let answer = direct.curl("backend.example", "/api/v1/health", &forwarded);
    ends_with(answer.as_ref(), " 421");
    drop(direct);
    let trusting = [("COCKPIT_TRUSTED_PROXIES", "127.0.0.0/8, ::1")];
    let behind = Server::start(&world, &arguments, &trusting);
    let answer = behind.curl("backend.example", "/api/v1/health", &forwarded);
    ends_with(answer.as_ref(), " 200");
    assert!(answer.unwrap().to_lowercase().contains("strict-transport-security"));
}

#[test]
fn a_slow_client_is_disconnected() {
    let world = World::new();
    let short = [("COCKPIT_HTTP_HEAD_TIME_S", "1")];
    let server = Server::start(&world, &["--listen", "0"], &short);
    let mut slow = std::net::TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    std::io::Write::write_all(&mut slow, b"GET / HTTP/1.1\r\nHost: loc").unwrap();
    let mut answer = Vec::new();
    // The end of the connection, by close or by reset.
    let _end = slow.read_to_end(&mut answer);
    let health = server.curl("localhost", "/api/v1/health", &[]);
    ends_with(health.as_ref(), " 200");
}
