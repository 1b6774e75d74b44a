//! Reports over the lake: the command line and schedules read everything, users of the service what they can see.

use super::Flow;
use super::lake_service::LakeService;
use report::PlantContext;
use serve::http::ReportSource;
use std::sync::Arc;

impl Flow {
    /// The lake as reports read it, everything visible.
    pub fn report_source(&self) -> ReportSource {
        let lake = LakeService::new(self.refinery.clone(), false, self.is_simulated);
        let limits = serve::Limits::from_settings(self.lake().limits());
        ReportSource::new(Arc::new(lake), limits)
    }

    /// What reports need of the plant.
    pub fn report_plant(&self) -> PlantContext {
        PlantContext::new(&self.refinery.plant, self.public_url.clone())
    }
}
