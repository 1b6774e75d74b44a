//! Limits, timeouts and sizes of the program: one struct per layer, with name, unit, default and reason of
//! every setting beside its field.
//!
//! `[limits]` of plant.toml or `COCKPIT_<NAME>` in the environment change a setting. The structs are read by
//! [`TomlReader`] rather than by a derived deserializer, because every mistake of a file is reported with its
//! line, not only the first.

mod access;
mod alarm;
mod board;
mod doors;
mod ingest;
mod issue;
mod lake;
mod notify;
mod pull;
mod refine;
mod report;
mod section;
mod serve;
mod server;
mod stream;

pub(crate) use access::ACCESS_VARIABLES;
pub use access::{ACCESS_MODES, ACCESS_PREFIX, Access, AccessLimits, AccessMode};
pub use alarm::AlarmLimits;
pub use board::BoardLimits;
pub use doors::DoorLimits;
pub use ingest::IngestLimits;
pub use issue::IssueLimits;
pub use lake::LakeLimits;
pub use notify::NotificationLimits;
pub use pull::PullLimits;
pub use refine::RefineLimits;
pub use report::ReportLimits;
pub(crate) use section::variable;
pub use section::{Deprecation, Origin, Provenance, Section, Setting};
pub use serve::{LiveLimits, ServeLimits};
pub use server::FileServerLimits;
pub use stream::{KafkaLimits, MqttLimits, RegistryLimits, StreamLimits};

use super::toml_reader::TomlReader;

/// Start of the environment variables that change a limit.
pub const LIMITS_PREFIX: &str = "COCKPIT_";

/// The effective limits of the program, in the order of the data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    pub ingest: IngestLimits,
    pub file_server: FileServerLimits,
    pub pull: PullLimits,
    pub stream: StreamLimits,
    pub kafka: KafkaLimits,
    pub registry: RegistryLimits,
    pub mqtt: MqttLimits,
    pub lake: LakeLimits,
    pub refine: RefineLimits,
    pub live: LiveLimits,
    pub alarm: AlarmLimits,
    pub board: BoardLimits,
    pub report: ReportLimits,
    pub issue: IssueLimits,
    pub serve: ServeLimits,
    pub doors: DoorLimits,
    provenance: Provenance,
}

impl Limits {
    /// The limits of all layers with their names for people.
    pub fn sections(&self) -> [(&'static str, &dyn Section); 16] {
        [
            ("Dumps", &self.ingest),
            ("File servers", &self.file_server),
            ("Sources read on a schedule", &self.pull),
            ("Streams", &self.stream),
            ("Kafka client", &self.kafka),
            ("Schema registry", &self.registry),
            ("MQTT client", &self.mqtt),
            ("Lake", &self.lake),
            ("Refinement", &self.refine),
            ("Live values", &self.live),
            ("Alarms", &self.alarm),
            ("Boards", &self.board),
            ("Reports", &self.report),
            ("Issued reports", &self.issue),
            ("HTTP service", &self.serve),
            ("SQL connections", &self.doors),
        ]
    }

    /// Where each limit was configured, and which deprecated names were used.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Reads `[limits]` of plant.toml.
    pub fn read(&mut self, mut reader: TomlReader<'_, '_>) {
        let (sections, provenance) = self.parts();
        for section in sections {
            section::read_toml(section, &mut reader, "limits", provenance);
        }
        reader.finish();
    }

    /// Reads `COCKPIT_<NAME>` from the environment.
    ///
    /// # Errors
    /// A value is invalid, or a setting has a value under its old and its new name.
    pub fn read_env(&mut self, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<()> {
        let (sections, provenance) = self.parts();
        for section in sections {
            section::read_env(section, &env, LIMITS_PREFIX, provenance)?;
        }
        Ok(())
    }

    fn parts(&mut self) -> ([&mut dyn Section; 16], &mut Provenance) {
        let sections: [&mut dyn Section; 16] = [
            &mut self.ingest,
            &mut self.file_server,
            &mut self.pull,
            &mut self.stream,
            &mut self.kafka,
            &mut self.registry,
            &mut self.mqtt,
            &mut self.lake,
            &mut self.refine,
            &mut self.live,
            &mut self.alarm,
            &mut self.board,
            &mut self.report,
            &mut self.issue,
            &mut self.serve,
            &mut self.doors,
        ];
        (sections, &mut self.provenance)
    }
}

#[cfg(test)]
mod tests;
