//! Sparkplug B (version 3.0 of the specification): the topics of edge nodes and devices, and the fields of a metric.

/// First level of every topic.
pub const NAMESPACE: &str = "spBv1.0";

/// What a column of a contract can take from a metric, by its `header`.
pub const FIELDS: [&str; 13] = [
    "group",
    "edge_node",
    "device",
    "message_type",
    "metric",
    "alias",
    "timestamp",
    "data_type",
    "value",
    "is_null",
    "is_historical",
    "quality",
    "seq",
];

/// The place of the records of a message in a contract: its metrics. It is not the path of a field of JSON,
/// so that the tables of both formats have different definitions.
pub const RECORDS: &str = "metrics of Sparkplug B";

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SparkplugType {
    NodeBirth,
    DeviceBirth,
    NodeData,
    DeviceData,
    NodeDeath,
    DeviceDeath,
}

impl SparkplugType {
    /// All types of messages that are read.
    pub const ALL: [Self; 6] = [
        Self::NodeBirth,
        Self::DeviceBirth,
        Self::NodeData,
        Self::DeviceData,
        Self::NodeDeath,
        Self::DeviceDeath,
    ];

    /// Its name in a topic.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NodeBirth => "NBIRTH",
            Self::DeviceBirth => "DBIRTH",
            Self::NodeData => "NDATA",
            Self::DeviceData => "DDATA",
            Self::NodeDeath => "NDEATH",
            Self::DeviceDeath => "DDEATH",
        }
    }

    /// Whether its topic has a device.
    pub const fn is_of_device(self) -> bool {
        matches!(self, Self::DeviceBirth | Self::DeviceData | Self::DeviceDeath)
    }
}

/// The parts of a topic `spBv1.0/GROUP/TYPE/EDGE_NODE[/DEVICE]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SparkplugTopic<'a> {
    pub group: &'a str,
    pub kind: SparkplugType,
    pub edge_node: &'a str,
    pub device: Option<&'a str>,
}

impl<'a> SparkplugTopic<'a> {
    /// The parts of a topic; `None` if it is not one of an edge node or a device, or its type of message is not read.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let mut levels = topic.split('/');
        let is_ours = levels.next() == Some(NAMESPACE);
        let (group, kind, edge_node) = (levels.next()?, levels.next()?, levels.next()?);
        let (device, rest) = (levels.next(), levels.next());
        let kind = SparkplugType::ALL.into_iter().find(|it| it.as_str() == kind)?;
        let is_whole = kind.is_of_device() == device.is_some() && rest.is_none();
        let has_names = !group.is_empty() && !edge_node.is_empty() && device != Some("");
        (is_ours && is_whole && has_names).then_some(Self { group, kind, edge_node, device })
    }
}

/// Whether a message of Sparkplug is not a record: a command, or the state of a host application.
pub fn is_skipped(topic: &str) -> bool {
    let mut levels = topic.split('/');
    if levels.next() != Some(NAMESPACE) {
        return false;
    }
    levels.next() == Some("STATE") || matches!(levels.next(), Some("NCMD" | "DCMD"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_its_parts() {
        let parse = |topic| SparkplugTopic::parse(topic);
        let node = SparkplugTopic {
            group: "Plant 1",
            kind: SparkplugType::NodeData,
            edge_node: "E1",
            device: None,
        };
        assert_eq!(parse("spBv1.0/Plant 1/NDATA/E1"), Some(node));
        let kind = SparkplugType::DeviceDeath;
        let device = SparkplugTopic { kind, device: Some("D"), ..node };
        assert_eq!(parse("spBv1.0/Plant 1/DDEATH/E1/D"), Some(device));
    }

    #[test]
    fn other_topics_have_no_parts() {
        for topic in [
            "",
            "spBv1.0",
            "spBv1.0/G/NDATA",
            "spBv1.0/G/NDATA/E/D",
            "spBv1.0/G/DDATA/E",
            "spBv1.0/G/DDATA/E/D/x",
            "spBv1.0/G/DDATA/E/",
            "spBv1.0//NDATA/E",
            "spBv1.0/G/NDATA/",
            "spBv1.0/G/ndata/E",
            "spBv1.0/G/NCMD/E",
            "spAv1.0/G/NDATA/E",
        ] {
            assert_eq!(SparkplugTopic::parse(topic), None, "{topic}");
        }
    }

    #[test]
    fn commands_and_states_are_skipped() {
        for topic in ["spBv1.0/G/NCMD/E", "spBv1.0/G/DCMD/E/D", "spBv1.0/STATE/host"] {
            assert!(is_skipped(topic), "{topic}");
        }
        for topic in ["spBv1.0/G/NDATA/E", "plant/G/NCMD/E", "STATE/host", ""] {
            assert!(!is_skipped(topic), "{topic}");
        }
    }
}
