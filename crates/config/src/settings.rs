//! Every limit, timeout and size of the program: its name with the unit last, its default, and the
//! reason for the default. `[limits]` in plant.toml or `COCKPIT_<NAME>` in the environment change it.

use super::toml_reader::TomlReader;
use std::collections::BTreeMap;

/// One limit as it is known.
#[derive(Debug)]
pub struct Known {
    /// Name with the unit last.
    pub name: &'static str,
    pub default: u64,
    /// Why the default is what it is.
    pub reason: &'static str,
}

/// All limits of the program, in the data's order.
pub const KNOWN: &[Known] = &[
    Known {
        name: "listing_every_s",
        default: 60,
        reason: "dumps come daily; a listing a minute costs next to nothing and shows them soon",
    },
    Known {
        name: "dump_settle_ms",
        default: 1_000,
        reason: "a file in a folder that was changed so recently may still be being written",
    },
    Known {
        name: "land_together_dumps",
        default: 1_000,
        reason: "small dumps that share a data file and a commit; each commit costs some 20 ms",
    },
    Known {
        name: "land_together_bytes",
        default: 16 << 20,
        reason: "records of small dumps in memory before they are written; a larger dump lands alone",
    },
    Known {
        name: "read_chunk_bytes",
        default: 1 << 20,
        reason: "large enough for a few records of the longest kind, small enough to stay in cache",
    },
    Known {
        name: "max_record_bytes",
        default: 1 << 20,
        reason: "no record of a plant's dump is longer; a longer one is a broken quote or no text",
    },
    Known {
        name: "kept_faulty_bytes",
        default: 4096,
        reason: "enough of a faulty record to see what is wrong with it",
    },
    Known {
        name: "probe_bytes",
        default: 64 << 10,
        reason: "some hundred records show the encoding, line ends and escapes of a dump",
    },
    Known {
        name: "max_unpacked_bytes",
        default: 64 << 30,
        reason: "no compressed dump of a plant unpacks to more; a larger one would fill the disk",
    },
    Known {
        name: "max_window_bytes",
        default: 128 << 20,
        reason: "memory for the window or dictionary of a compressed dump: what zstd -19 and xz -9 need",
    },
    Known {
        name: "max_container_layers",
        default: 3,
        reason: "a dump packed twice by mistake is still read; each layer costs buffers and time",
    },
    Known {
        name: "empty_file_bytes",
        default: 1024,
        reason: "a file this long that gives no record is reported; a header and a footer are shorter",
    },
    Known {
        name: "judged_records",
        default: 10,
        reason: "a share of rejected records of fewer records means little unless the contract sets one",
    },
    Known {
        name: "reported_line_chars",
        default: 200,
        reason: "how much of a rejected record a report shows: enough to recognise what is wrong",
    },
    Known {
        name: "unmatched_keys",
        default: 10_000,
        reason: "keys looked at for files of no contract: ten pages of a listing, a second on S3",
    },
    Known {
        name: "unmatched_every_s",
        default: 3600,
        reason: "how often files of no contract are looked for; it lists the whole bucket",
    },
    Known {
        name: "max_message_bytes",
        default: 64 << 10,
        reason: "a sensor's message has some 200 bytes; a longer one lands and is rejected",
    },
    Known {
        name: "stream_batch_messages",
        default: 16_384,
        reason: "messages interpreted at once: enough that each costs little, and some 3 MB",
    },
    Known {
        name: "stream_commit_every_ms",
        default: 2_000,
        reason: "how soon messages can be read in the lake; each commit costs files and some 20 ms",
    },
    Known {
        name: "stream_commit_rows",
        default: 1_000_000,
        reason: "a commit comes earlier when so many messages wait, so that memory stays bounded",
    },
    Known {
        name: "stream_hold_ms",
        default: 50,
        reason: "messages on their way to the lake are held so long: to land handfuls wakes threads",
    },
    Known {
        name: "stream_hold_messages",
        default: 4_096,
        reason: "so many messages are held at most on their way; what is full is landed at once",
    },
    Known {
        name: "dedupe_readings",
        default: 1_000_000,
        reason: "a message said again is known among at least so many before it; some 40 MB",
    },
    Known {
        name: "kafka_queue_bytes",
        default: 32 << 20,
        reason: "what the Kafka client may fetch ahead: a second of a very busy topic",
    },
    Known {
        name: "kafka_gather_ms",
        default: 2,
        reason: "messages gather so long at the broker: each handful costs as much as 100 messages",
    },
    Known {
        name: "kafka_unhurried_ms",
        default: 100,
        reason: "the same while nobody looks at each message as it comes; a quarter of a commit's time at most",
    },
    Known {
        name: "kafka_session_ms",
        default: 10_000,
        reason: "how long a dead program keeps its partitions from the others of its group",
    },
    Known {
        name: "kafka_lag_every_ms",
        default: 5_000,
        reason: "how often the lag is measured; the answer costs the client a look at all partitions",
    },
    Known {
        name: "kafka_refused_retry_s",
        default: 600,
        reason: "the longest pause after wrong credentials: each attempt counts towards a locked account",
    },
    Known {
        name: "topic_listing_every_s",
        default: 30,
        reason: "how soon a new topic that matches a pattern is read; a listing is one answer of a broker",
    },
    Known {
        name: "pattern_topics",
        default: 200,
        reason: "topics read for one contract with patterns; each costs some threads and some 10 MB",
    },
    Known {
        name: "batch_rows",
        default: 8192,
        reason: "the batch size DataFusion works with; larger ones gain nothing and cost memory",
    },
    Known {
        name: "data_file_rows",
        default: 1_000_000,
        reason: "files of some 50 to 100 MB: few enough to list, small enough to rewrite one",
    },
    Known {
        name: "row_group_rows",
        default: 65_536,
        reason: "what a writer holds in memory, some 30 MB of a wide table; a reader skips by it",
    },
    Known {
        name: "stream_row_group_rows",
        default: 262_144,
        reason: "rows of a stream are narrow: as many sensors are named once in few groups as in many",
    },
    Known {
        name: "compact_files",
        default: 32,
        reason: "small files of a stream that are made into one: a minute of commits, a short read",
    },
    Known {
        name: "log_commits",
        default: 5_000,
        reason: "commits a table's log keeps, some hours of a stream: a table opens in a tenth of a second",
    },
    Known {
        name: "retention_settle_ms",
        default: 86_400_000,
        reason: "rows lie so long before they may expire: by then they are refined and in the books",
    },
    Known {
        name: "stream_refine_every_s",
        default: 10,
        reason: "how soon minutes and hours of streams follow; the newest minutes come from memory",
    },
    Known {
        name: "refresh_values",
        default: 1000,
        reason: "above this many changed days or orders a whole refresh is faster than picking",
    },
    Known {
        name: "memory_bytes",
        default: 256 << 20,
        reason: "what queries and refinement may take together before they spill or say no",
    },
    Known {
        name: "refine_steps",
        default: 2,
        reason: "tables refined side by side; more only helps with more cores and more memory",
    },
    Known {
        name: "refine_stalled_s",
        default: 300,
        reason: "a step that computes or spills counts something every few seconds; five minutes of nothing are a hang",
    },
    Known {
        name: "lease_ttl_s",
        default: 15,
        reason: "how long a dead program keeps the lake; it renews every third of this",
    },
    Known {
        name: "sensor_silent_s",
        default: 60,
        reason: "sensors speak about once a second; after a minute one is missing, not late",
    },
    Known {
        name: "live_viewers",
        default: 10_000,
        reason: "what one core serves once a second; a viewer costs its connection and 200 bytes",
    },
    Known {
        name: "live_streams",
        default: 256,
        reason: "plants times rates that are looked at; each costs its newest frame",
    },
    Known {
        name: "page_rows",
        default: 100_000,
        reason: "the most rows one JSON page may hold; CSV, Arrow and Parquet stream on",
    },
    Known {
        name: "query_rows",
        default: 10_000,
        reason: "what a person can look at; the answer says when there was more",
    },
    Known {
        name: "query_time_s",
        default: 30,
        reason: "longer questions belong into a gold table or onto a cluster",
    },
    Known {
        name: "file_time_s",
        default: 600,
        reason: "a whole answer as CSV, Arrow or Parquet may have millions of rows",
    },
    Known {
        name: "query_body_bytes",
        default: 64 << 10,
        reason: "no question asked by hand is longer",
    },
    Known {
        name: "query_slots",
        default: 4,
        reason: "questions answered at once; more wait, so that ingestion keeps its share",
    },
    Known {
        name: "stop_within_s",
        default: 10,
        reason: "how long work under way may take to finish after Ctrl-C",
    },
];

/// A limit in force and where it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub value: u64,
    pub origin: Origin,
}

/// Where a setting was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Default,
    PlantFile,
    Environment,
    Flag,
}

impl Origin {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::PlantFile => "plant.toml",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

/// The limits in force, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits(BTreeMap<&'static str, Setting>);

impl Default for Limits {
    fn default() -> Self {
        let setting = |known: &Known| Setting { value: known.default, origin: Origin::Default };
        Self(KNOWN.iter().map(|known| (known.name, setting(known))).collect())
    }
}

impl Limits {
    /// The limit of this name. Only names of [`KNOWN`] are ever asked for, which a test holds; an
    /// unknown one is 0.
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |setting| setting.value)
    }

    /// [`Limits::get`] as a size in memory.
    pub fn size(&self, name: &str) -> usize {
        usize::try_from(self.get(name)).unwrap_or(usize::MAX)
    }

    /// Sets a limit of [`KNOWN`].
    pub fn set(&mut self, name: &'static str, value: u64) {
        self.0.insert(name, Setting { value, origin: Origin::Flag });
    }

    /// Takes what `[limits]` of plant.toml says.
    pub fn read(&mut self, mut reader: TomlReader<'_, '_>) {
        for known in KNOWN {
            let Some(value) = reader.number(known.name) else { continue };
            if value == 0 {
                reader.note(known.name, format!("`{}` is 0", known.name), "Write at least 1.");
                continue;
            }
            self.0.insert(known.name, Setting { value, origin: Origin::PlantFile });
        }
        reader.finish();
    }

    /// Takes `COCKPIT_<NAME>` from the environment.
    pub fn read_env(&mut self, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<()> {
        for known in KNOWN {
            let variable = format!("COCKPIT_{}", known.name.to_uppercase());
            let Some(text) = env(&variable) else { continue };
            let value = text.parse::<u64>().ok().filter(|value| *value > 0).ok_or_else(|| {
                anyhow::anyhow!("{variable} is `{text}`; write a whole number of at least 1")
            })?;
            self.0.insert(known.name, Setting { value, origin: Origin::Environment });
        }
        Ok(())
    }

    /// Every limit with its setting, in the order of [`KNOWN`].
    pub fn all(&self) -> impl Iterator<Item = (&'static Known, &Setting)> {
        KNOWN.iter().filter_map(|known| Some((known, self.0.get(known.name)?)))
    }
}
