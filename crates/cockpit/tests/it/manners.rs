//! Behaviour at the terminal and on the network: accepted abbreviations, refused
//! misspellings, clean exits.

use crate::lease::until;
use crate::world::World;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

fn world() -> World {
    let world = World::new();
    world.dump("plan.csv", "Id,Item,Day,Hour,Station,Quantity\n1,a,2024-01-01,8,S1,5\n");
    world.ingest().success();
    world
}

/// Runs a command whose reader closes the pipe after a few bytes, as `head` does.
#[track_caller]
fn succeeds_without_reader(world: &World, arguments: &[&str]) {
    let mut command = world.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 4]).unwrap();
    drop(out);
    let done = child.wait_with_output().unwrap();
    let errors = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success() && errors.is_empty(), "{arguments:?}: {errors}");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let world = world();
    // More than a pipe buffers, so that the program is still writing when the pipe is closed.
    let many = "SELECT value, repeat('x', 100) AS text FROM generate_series(1, 100000)";
    for format in ["csv", "json", "parquet"] {
        succeeds_without_reader(&world, &["sql", many, "--format", format]);
    }
    succeeds_without_reader(&world, &["sql", "SELECT value FROM generate_series(1, 20000)"]);
    for arguments in [&["tables"][..], &["config"], &["completions", "bash"], &["rejected"]] {
        succeeds_without_reader(&world, arguments);
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let world = world();
    for arguments in [
        &["sql", "SELECT 1", "--format", "csv"][..],
        &["sql", "SELECT 1", "--format", "table"],
        &["tables"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let done = world.command(arguments).stdout(full).output().unwrap();
        let errors = String::from_utf8(done.stderr).unwrap();
        assert!(!done.status.success(), "{arguments:?}");
        assert!(errors.contains("cannot write the output: "), "{arguments:?}: {errors}");
    }
}

#[test]
fn an_unknown_variable_is_refused_with_the_nearest() {
    let world = world();
    for command in [&["config"][..], &["tables"], &["ingest", "--once"], &["sql", "SELECT 1"]] {
        let outcome = world.run_with(command, &[("COCKPIT_BATCHROWS", "1024")]);
        outcome.failure(&["COCKPIT_BATCHROWS", "did you mean COCKPIT_BATCH_ROWS?"]);
    }
    world.run_with(&["config"], &[("COCKPIT_BATCHROWS", "")]).success();
    let named = "[kafka]\nprotocol = \"sasl_ssl\"\nuser = \"u\"\npassword_env = \"COCKPIT_OURS\"\n";
    let text = std::fs::read_to_string(world.path("plant/plant.toml")).unwrap();
    world.write("plant.toml", &format!("{text}\n{named}"));
    world.run_with(&["config"], &[("COCKPIT_OURS", "secret")]).success();
}

#[test]
fn an_unknown_level_of_the_log_is_refused() {
    let world = world();
    world.run(&["tables", "--log", "loud"]).failure(&["loud", "info", "debug", "trace"]);
    world.run_with(&["tables"], &[("COCKPIT_LOG", "loud")]).failure(&["loud", "info"]);
    for level in ["off", "error", "warn", "info", "debug", "trace"] {
        world.run(&["tables", "--log", level]).success();
    }
}

/// A running service; stopped when dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command(&["serve", "--no-ingest"]);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("http://").unwrap_or_else(|| panic!("{line}")).1;
        Self { child, address: address.to_owned() }
    }

    fn port(&self) -> u16 {
        self.address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// The status of a response to a request with this Host.
    fn status(&self, host: &str) -> u16 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        let head = format!("GET /api/v1/health HTTP/1.0\r\nHost: {host}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn an_address_to_listen_on_may_be_short() {
    let world = world();
    for listen in ["0", "localhost:0", "127.0.0.1:0"] {
        let server = Server::start(&world, &["--listen", listen]);
        assert!(server.address.starts_with("127.0.0.1:"), "{listen}: {}", server.address);
        assert_eq!(server.status("localhost"), 200);
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    world.run(&["serve", "--listen", &port]).failure(&[&port, "another program may have it"]);
    for listen in ["somewhere:http", ":8080", "http://localhost:8080", "70000"] {
        let words = ["invalid address to listen on", listen, "HOST:PORT"];
        world.run(&["serve", "--listen", listen]).failure(&words);
        world.run_with(&["serve"], &[("COCKPIT_LISTEN", listen)]).failure(&words);
    }
    let unknown = ["no-such-machine.invalid"];
    world.run(&["serve", "--listen", "no-such-machine.invalid:80"]).failure(&unknown);
}

#[test]
fn a_host_is_accepted_from_every_place_of_configuration() {
    const NAME: &str = "cockpit.plant.example";
    let world = world();
    let check = |server: &Server, others: u16| {
        for name in [NAME, "COCKPIT.plant.example:443", "localhost"] {
            assert_eq!(server.status(name), 200, "{name}");
        }
        assert_eq!(server.status("other.plant.example"), others);
        assert_eq!(server.status("evil.example"), 421);
    };
    let closed = Server::start(&world, &["--listen", "0"]);
    assert_eq!(closed.status(NAME), 421);
    check(&Server::start(&world, &["--listen", "0", "--host", NAME]), 421);
    let two = ["--listen", "0", "--host", NAME, "--host", "other.plant.example"];
    check(&Server::start(&world, &two), 200);
    let text = std::fs::read_to_string(world.path("plant/plant.toml")).unwrap();
    let serve = format!("[serve]\nlisten = \"localhost:0\"\nhosts = [\"{NAME}\"]\n");
    world.write("plant.toml", &format!("{text}\n{serve}"));
    check(&Server::start(&world, &[]), 421);
    let outcome =
        world.run_with(&["config"], &[("COCKPIT_HOSTS", "a.example, b.example")]).success();
    assert!(
        outcome.stdout.contains("hosts = [\"a.example\", \"b.example\"]"),
        "{}",
        outcome.stdout
    );
    world.write("plant.toml", &format!("{text}\n[serve]\nlisten = \"x y\"\nhosts = [\"*\"]\n"));
    let words = ["plant.toml:17", "invalid address", "plant.toml:18", "invalid host `*`"];
    world.run(&["check"]).failure(&words);
    let url = ["invalid host `https://a.example`", "without scheme"];
    world.write("plant.toml", &text);
    world.run(&["serve", "--host", "https://a.example"]).failure(&url);
}

#[test]
fn an_address_beyond_loopback_requires_insecure() {
    let world = world();
    for listen in ["0.0.0.0:0", "[::]:0", "0.0.0.0"] {
        let words = ["without encryption", "certificate", "trusted_proxies", "--insecure"];
        world.run(&["serve", "--no-ingest", "--listen", listen]).failure(&words);
    }
    let words = ["without encryption", "--insecure"];
    world.run_with(&["serve"], &[("COCKPIT_LISTEN", "0.0.0.0:0")]).failure(&words);
    let open = ["--listen", "0.0.0.0:0", "--insecure", "--host", "10.0.0.5"];
    let server = Server::start(&world, &open);
    assert!(server.address.starts_with("0.0.0.0:"), "{}", server.address);
    assert_eq!(server.status("10.0.0.5:8080"), 200);
    assert_eq!(server.status("10.0.0.6"), 421);
}

/// A service that refuses everything.
pub fn refusing_service(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all((head + body).as_bytes()).unwrap();
        }
    });
    format!("http://{address}")
}

#[test]
fn an_error_of_s3_is_one_sentence() {
    const DENIED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>\
        <Message>Access Denied.</Message><Resource>/plant</Resource><RequestId>1</RequestId></Error>";
    let world = World::new();
    let endpoint = refusing_service("403 Forbidden", DENIED);
    let env = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("AWS_REGION", "here-1"),
        ("COCKPIT_BUCKET", "s3://plant/dumps"),
    ];
    let outcome = world.run_with(&["ingest", "--once"], &env);
    let lines: Vec<&str> = outcome.stderr.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 1, "{}", outcome.stderr);
    assert!(!outcome.stderr.contains('<'), "{}", outcome.stderr);
    assert_eq!(outcome.stderr.matches("AccessDenied").count(), 1, "{}", outcome.stderr);
    outcome.failure(&["s3://plant/dumps", "403 Forbidden: AccessDenied, Access Denied."]);
}

#[test]
fn a_query_has_limits_of_time_and_memory() {
    let world = world();
    let long =
        "SELECT count(*) FROM generate_series(1, 100000) AS a, generate_series(1, 10000000) AS b";
    for (format, limit) in [("table", "query_time_s"), ("csv", "file_time_s")] {
        let variable = format!("COCKPIT_{}", limit.to_uppercase());
        let arguments = ["sql", long, "--format", format];
        let outcome = world.run_with(&arguments, &[(&variable, "1")]);
        outcome.failure(&[&format!("{limit} = 1"), &variable]);
    }
    let wide = "SELECT repeat('x', 1000) AS text FROM generate_series(1, 20000)";
    let little = [("COCKPIT_MEMORY_BYTES", "1048576")];
    world.run_with(&["sql", wide], &little).failure(&["memory_bytes = 1048576", "--format csv"]);
    world.run_with(&["sql", wide, "--format", "csv"], &little).success();
}

/// Ctrl-C ends the demo at once, with success and without output, at any time.
#[test]
fn the_demo_exits_cleanly() {
    const ROUNDS: usize = 4;
    let world = World::new();
    let data = world.path("demo");
    for round in 0..ROUNDS {
        let mut command = world.command(&["demo", "--data", data.to_str().unwrap()]);
        command.env_remove("COCKPIT_PLANT").env("RUST_BACKTRACE", "1");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // Its pages can be reached, and its first round is under way.
        while !line.starts_with("Ctrl-C") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "round {round}: it ended by itself");
        }
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let ended = until("the end of the demo", || child.try_wait().unwrap());
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert!(ended.success() && errors.is_empty(), "round {round}: {ended}\n{errors}");
    }
}
