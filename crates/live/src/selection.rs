//! Which sensors a stream of frames contains.

use plant::reading::SensorId;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Lanes of sensors, each as plant and lane: `Plant1.4`.
pub type Lanes = Arc<BTreeSet<String>>;

/// The plant and lanes whose sensors a stream contains.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Only sensors of this plant; `None` for all.
    pub plant: Option<String>,
    /// Only sensors of these lanes; `None` for all.
    pub lanes: Option<Lanes>,
}

impl Selection {
    /// Whether the stream contains a sensor.
    pub fn has(&self, sensor: &SensorId) -> bool {
        let is_permitted =
            |lanes: &Lanes| lanes.contains(&format!("{}.{}", sensor.plant, sensor.lane));
        self.plant.as_ref().is_none_or(|plant| sensor.plant == *plant)
            && self.lanes.as_ref().is_none_or(is_permitted)
    }
}
