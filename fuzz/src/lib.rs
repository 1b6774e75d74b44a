//! The decoders without the rest of the program, for fuzzing and for a fast edit-test loop.
//!
//! ```text
//! cargo test                                       the unit tests of the decoders
//! cargo run --example seeds                        writes the seed corpus into corpus/
//! cargo +nightly fuzz run delimited -- -max_total_time=600 -rss_limit_mb=2048
//! ```

pub use batches::batch;

#[path = "../../crates/ingest/src/decode/mod.rs"]
pub mod decode;
/// What listings of file servers consist of, and their failures.
#[path = "../../crates/fileserver/src/entry.rs"]
pub mod entry;
#[path = "../../crates/fileserver/src/failure.rs"]
pub mod failure;
/// The first request of a connection.
#[path = "../../crates/serve/src/http/listen/arrival/first.rs"]
pub mod first_request;
/// Listings and replies of FTP.
#[path = "../../crates/fileserver/src/ftp/listing.rs"]
pub mod ftp_listing;
#[path = "../../crates/fileserver/src/ftp/reply.rs"]
pub mod ftp_reply;
/// Handles of prepared statements of Arrow Flight SQL.
#[path = "../../crates/doors/src/flight/handle.rs"]
pub mod handle;
/// The packets of brokers with version 5 of MQTT.
#[path = "../../crates/ingest/src/mqtt/version5/packets.rs"]
pub mod mqtt5_packets;
/// The parser of the options of OData requests.
#[path = "../../crates/serve/src/http/odata/syntax/mod.rs"]
pub mod odata_syntax;
/// The messages of PostgreSQL clients.
#[path = "../../crates/doors/src/postgres/message.rs"]
pub mod postgres_message;
pub mod promise;
/// The messages of SCRAM-SHA-256.
#[path = "../../crates/doors/src/postgres/scram.rs"]
pub mod scram;
/// The packets of SFTP.
#[path = "../../crates/fileserver/src/sftp/packet.rs"]
pub mod sftp_packet;
/// Values of parameters in the messages of Arrow.
#[path = "../../crates/doors/src/flight/values.rs"]
pub mod values;
/// Listings of WebDAV.
#[path = "../../crates/fileserver/src/webdav/multistatus.rs"]
pub mod webdav_listing;
