//! Which parts run only when they are named.

/// Parts that run only when they are named: these fetch Apache Kafka with Maven and need Java; the others wait for
/// times or need servers and clients beside the program, and a machine without other load.
pub const WHEN_NAMED: [&str; 19] = [
    "draft",
    "databases",
    "sources",
    "mqtt",
    "clouds",
    "file-servers",
    "folder",
    "http-source",
    "screens",
    "messages",
    "login",
    "topics",
    "registry",
    "stream",
    "load",
    "boards",
    "schemathesis",
    "python-package",
    "spark",
];
