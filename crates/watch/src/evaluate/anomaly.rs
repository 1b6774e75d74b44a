//! stand-in until plant::anomaly lands
#[derive(Debug, Clone, Copy)]
pub struct Score {
    pub score: f64,
    pub reason: &'static str,
}
#[derive(Debug)]
pub struct Detector;
impl Detector {
    pub fn new() -> Self {
        Self
    }
    pub fn take(&mut self, _a: i64, _b: f64) -> Option<Score> {
        None
    }
}
