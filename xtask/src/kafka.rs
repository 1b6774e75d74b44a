//! Apache Kafka on this machine, one node that is broker and controller, for as long as a task needs
//! it. Its jars come from Maven Central and are kept in the cache.

use crate::machine::{self, print, run};
use crate::maven::Jars;
use crate::server::free_address;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

const VERSION: &str = "4.1.0";

const JARS: Jars = Jars {
    name: "Kafka",
    folder: "kafka/4.1.0",
    artifacts: &[
        ("org.apache.kafka", "kafka_2.13", VERSION),
        ("org.apache.kafka", "kafka-tools", VERSION),
        ("org.slf4j", "slf4j-nop", "1.7.36"),
    ],
    alone: false,
};

/// The default port.
const PORT: u16 = 9092;

/// How long the broker may take to answer after its start.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Time limit of one health check, and the pause to the next.
const CHECK_LIMIT: Duration = Duration::from_secs(2);
const CHECK_EVERY: Duration = Duration::from_millis(50);

/// Partitions of a topic that is made here.
const PARTITIONS: u32 = 4;

/// `cargo xtask engines kafka [--port N] [--keep] [--topic NAME]...`: a broker with these topics until
/// Ctrl-C; with `--keep` it keeps the data of its last run on this port.
pub fn engine(arguments: &[String]) -> ExitCode {
    match try_engine(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(&error);
            ExitCode::FAILURE
        }
    }
}

fn try_engine(arguments: &[String]) -> Result<(), String> {
    let (mut port, mut keeps, mut topics) = (PORT, false, Vec::new());
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--keep" => keeps = true,
            "--port" => {
                let value = rest.next().map(String::as_str).unwrap_or_default();
                port = value.parse().map_err(|_error| format!("invalid port `{value}`"))?;
            }
            "--topic" => topics.extend(rest.next()),
            other => {
                return Err(format!(
                    "invalid argument `{other}`: expected --port N, --keep or --topic NAME"
                ));
            }
        }
    }
    let folder = machine::cache()?.join(format!("kafka/{port}"));
    if !keeps && folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut kafka = Kafka::start(&folder, port)?;
    topics.into_iter().try_for_each(|topic| kafka.create_topic(topic, PARTITIONS))?;
    print(&format!("Apache Kafka {VERSION} answers on {}; Ctrl-C ends it", kafka.brokers()));
    kafka.wait()
}

/// A broker; killed when dropped.
pub struct Kafka {
    folder: PathBuf,
    address: SocketAddr,
    child: Child,
}

impl Kafka {
    /// Starts a broker on a folder, which may contain the data of an earlier run, and waits until it
    /// answers.
    pub fn start(folder: &Path, port: u16) -> Result<Self, String> {
        prepare(folder, port)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpStream::connect_timeout(&address, CHECK_LIMIT).is_ok() {
            return Err(format!("port {port} is in use; choose another with --port N"));
        }
        let child = spawn(folder)?;
        let mut kafka = Self { folder: folder.to_owned(), address, child };
        kafka.wait_for_answer()?;
        Ok(kafka)
    }

    pub fn brokers(&self) -> String {
        self.address.to_string()
    }

    pub fn create_topic(&self, name: &str, partitions: u32) -> Result<(), String> {
        let mut create = java()?;
        create.arg("org.apache.kafka.tools.TopicCommand").args(["--create", "--if-not-exists"]);
        create.args(["--bootstrap-server", &self.brokers(), "--topic", name]);
        create.args(["--partitions", &partitions.to_string()]);
        run(create.stdout(Stdio::null()))
    }

    /// Waits until it ends by itself.
    fn wait(&mut self) -> Result<(), String> {
        let status = self.child.wait().map_err(|error| format!("Kafka: {error}"))?;
        Err(format!("Kafka ended with {status}; its log is {}", self.log().display()))
    }

    fn log(&self) -> PathBuf {
        self.folder.join("kafka.log")
    }

    fn wait_for_answer(&mut self) -> Result<(), String> {
        let deadline = machine::now() + START_LIMIT;
        while !answers(&self.address) {
            let is_gone = !matches!(self.child.try_wait(), Ok(None));
            if is_gone || machine::now() > deadline {
                let words = fs::read_to_string(self.log()).unwrap_or_default();
                let last: Vec<&str> = words.lines().rev().take(5).collect();
                return Err(format!("Kafka does not answer: {}", last.join("\n")));
            }
            machine::pause(CHECK_EVERY);
        }
        Ok(())
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Makes what a broker needs in a folder, unless it is there: `server.properties`, its formatted
/// storage, and `start`, which becomes the broker.
pub fn prepare(folder: &Path, port: u16) -> Result<(), String> {
    let describe = |error: io::Error| format!("{}: {error}", folder.display());
    let jars = JARS.fetched()?;
    if folder.join("start").is_file() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(describe)?;
    let controller = free_address().map_err(describe)?.port();
    let properties = folder.join("server.properties");
    fs::write(&properties, settings(folder, port, controller)).map_err(describe)?;
    let mut format = java()?;
    format.args([
        "kafka.tools.StorageTool",
        "format",
        "-t",
        &cluster_id().map_err(describe)?,
        "-c",
    ]);
    run(format.arg(&properties).stdout(Stdio::null()))?;
    let start = folder.join("start");
    let words = format!(
        "#!/bin/sh\nexec java -Xmx768m -cp '{}/*' kafka.Kafka '{}'\n",
        jars.display(),
        properties.display()
    );
    fs::write(&start, words).map_err(describe)?;
    fs::set_permissions(&start, fs::Permissions::from_mode(0o755)).map_err(describe)
}

fn settings(folder: &Path, port: u16, controller: u16) -> String {
    let data = folder.join("data");
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         controller.listener.names=CONTROLLER\n\
         log.dirs={}\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         group.min.session.timeout.ms=1000\n\
         num.partitions=4\n",
        data.display()
    )
}

fn spawn(folder: &Path) -> Result<Child, String> {
    let describe = |error: io::Error| format!("Kafka: {error}");
    let log = File::create(folder.join("kafka.log")).map_err(describe)?;
    let mut start = Command::new(folder.join("start"));
    start.stdin(Stdio::null()).stderr(log.try_clone().map_err(describe)?).stdout(log);
    start.spawn().map_err(describe)
}

/// Whether a broker answers the question which versions it speaks.
fn answers(address: &SocketAddr) -> bool {
    /// Length of what follows; ApiVersions in version 0; number 1; no name.
    const QUESTION: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
    let request = || -> io::Result<[u8; 10]> {
        let mut stream = TcpStream::connect_timeout(address, CHECK_LIMIT)?;
        stream.set_read_timeout(Some(CHECK_LIMIT))?;
        stream.write_all(&QUESTION)?;
        let mut begun = [0; 10];
        stream.read_exact(&mut begun)?;
        Ok(begun)
    };
    // After the length come the number of the question and the error, which is none.
    request().is_ok_and(|begun| begun[4..] == [0, 0, 0, 1, 0, 0])
}

/// A name no other cluster has: 128 bits in the letters Kafka writes them with.
fn cluster_id() -> io::Result<String> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let number = u128::from_be_bytes(bytes);
    // Kafka takes no name that begins with a dash.
    let number = number >> 1;
    let letter = |place: u32| {
        let six = if place == 21 { number << 4 } else { number >> (122 - 6 * place) };
        char::from(LETTERS[(six & 63) as usize])
    };
    Ok((0..22).map(letter).collect())
}

/// Java with the jars of Kafka.
fn java() -> Result<Command, String> {
    let mut java = Command::new("java");
    java.arg("-cp").arg(format!("{}/*", JARS.fetched()?.display()));
    Ok(java)
}
