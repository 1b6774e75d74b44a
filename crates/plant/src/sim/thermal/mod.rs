//! Model of component temperatures and of the sensors that measure them.
//!
//! *In*: a seed, a sensor and a time. *Out*: the reading at that time. *Promise*: the temperature
//! at a time does not depend on where the simulation starts.
//!
//! A component approaches its equilibrium (hall temperature plus its own heat by load and cooling)
//! as a first-order system: a fixed share of the difference remains after each minute. The relevant
//! history starts at a fixed time some hours before.

pub mod fault;
pub mod random;
pub mod sensors;

use crate::time::{MINUTE_US, day_of_us, minute_of_us};
use fault::{SensorFault, SensorFaultKind};
use rand::Rng as _;
use rand::RngExt as _;
use rand_pcg::Pcg32;
use random::{StreamPurpose, generator};
use sensors::Sensor;

/// Offset of plant time from UTC in minutes; constant in Kerala.
const OFFSET_MIN: i64 = 330;

/// Hall temperature in degC by hour of plant time.
const HALL_C: [f64; 24] = [
    26.0, 25.6, 25.3, 25.0, 24.8, 24.7, 25.0, 25.8, 26.9, 28.1, 29.3, 30.4, 31.2, 31.8, 32.0, 31.8,
    31.2, 30.4, 29.5, 28.6, 27.9, 27.3, 26.8, 26.4,
];

/// Hours of plant time in which the lanes are busy.
const BUSY_HOURS: std::ops::Range<i64> = 9..21;

/// Temperatures are computed from multiples of this many minutes on, starting so many minutes
/// earlier. The effect of the time before is below a hundredth of a degC.
const STRETCH_MIN: i64 = 120;
const LEAD_MIN: i64 = 100;

/// Factor of the temperature above the hall for a component without fan.
const UNCOOLED: f64 = 2.6;

/// Magnitude of faults and of sensor noise, in degC.
const DRIFT_C_MAX: f64 = 9.0;
const SPIKE_C: f64 = 45.0;
const NOISE_C: f64 = 0.12;
const BURST_C: f64 = 3.0;

/// Thermal properties of a component.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThermalBody {
    /// Temperature above the hall at full load, in degC.
    pub rise_c: f64,
    /// Share of the distance to equilibrium that remains after a minute, 0 to 1.
    pub kept_share: f64,
}

/// The temperature of one sensor over time. Advancing by minutes is cheap; a jump costs some
/// hundred steps.
#[derive(Debug, Clone)]
pub struct TemperatureModel {
    seed: u64,
    sensor: u64,
    gateway: u64,
    body: ThermalBody,
    /// The minute with known temperatures, at its start and end.
    minute: Option<i64>,
    from_c: f64,
    to_c: f64,
    day: Day,
    load: Load,
    fan: Fan,
    is_healthy: bool,
}

/// The state of a sensor on a day.
#[derive(Debug, Clone, Copy, Default)]
struct Day {
    number: Option<i64>,
    fault: Option<SensorFault>,
    silence: Option<SensorFault>,
    /// Value of the sensor if it is stuck on this day, in degC.
    stuck_c: f64,
}

/// Load of the lane in a quarter of an hour.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    quarter: Option<i64>,
    share: f64,
}

/// Fan failure on a day of the history.
#[derive(Debug, Clone, Copy, Default)]
struct Fan {
    day: Option<i64>,
    failure: Option<SensorFault>,
}

impl TemperatureModel {
    pub fn new(seed: u64, sensor: &Sensor) -> Self {
        Self {
            seed,
            sensor: sensor.number,
            gateway: sensor.gateway,
            body: sensor.body,
            minute: None,
            from_c: 0.0,
            to_c: 0.0,
            day: Day::default(),
            load: Load::default(),
            fan: Fan::default(),
            is_healthy: false,
        }
    }

    /// The temperature of a sensor that never has a fault.
    pub fn healthy(seed: u64, sensor: &Sensor) -> Self {
        Self { is_healthy: true, ..Self::new(seed, sensor) }
    }

    /// The reading at a time (microseconds since 1970-01-01T00:00:00Z) in hundredths of a degC;
    /// `None` if the sensor sends nothing. `noise` is the source of measurement noise.
    pub fn reported_centi(&mut self, at_us: i64, noise: &mut Pcg32) -> Option<i32> {
        if self.is_silent(at_us) {
            return None;
        }
        let scatter = bell(noise);
        let true_c = self.true_c(at_us);
        let said_c = match self.day.fault.filter(|it| it.holds(at_us)) {
            Some(fault) => self.faulty_c(&fault, at_us, true_c, scatter),
            None => true_c + scatter * NOISE_C,
        };
        #[expect(clippy::cast_possible_truncation, reason = "temperatures are far from the limits")]
        Some((said_c * 100.0).round() as i32)
    }

    /// Whether the sensor sends nothing at a time.
    pub fn is_silent(&mut self, at_us: i64) -> bool {
        self.begin_day(at_us);
        let is_dropped = |it: &SensorFault| it.kind == SensorFaultKind::DropOut && it.holds(at_us);
        self.day.fault.as_ref().is_some_and(is_dropped)
            || self.day.silence.is_some_and(|it| it.holds(at_us))
    }

    /// Temperature of the component at a time, in degC.
    pub fn true_c(&mut self, at_us: i64) -> f64 {
        self.seek(minute_of_us(at_us));
        let part = at_us.rem_euclid(MINUTE_US) as f64 / MINUTE_US as f64;
        self.from_c + (self.to_c - self.from_c) * part
    }

    fn faulty_c(&self, fault: &SensorFault, at_us: i64, true_c: f64, scatter: f64) -> f64 {
        let elapsed_share = (at_us - fault.from_us) as f64 / (fault.to_us - fault.from_us) as f64;
        match fault.kind {
            SensorFaultKind::Stuck => self.day.stuck_c,
            SensorFaultKind::Drift => true_c + elapsed_share * DRIFT_C_MAX + scatter * NOISE_C,
            SensorFaultKind::Spike => true_c + SPIKE_C + scatter * NOISE_C,
            SensorFaultKind::NoiseBurst => true_c + scatter * BURST_C,
            SensorFaultKind::FanFailure
            | SensorFaultKind::DropOut
            | SensorFaultKind::GatewaySilence => true_c + scatter * NOISE_C,
        }
    }

    fn begin_day(&mut self, at_us: i64) {
        let number = day_of_us(at_us);
        if self.day.number == Some(number) {
            return;
        }
        if self.is_healthy {
            self.day = Day { number: Some(number), ..Day::default() };
            return;
        }
        let fault = fault::sensor_fault(self.seed, self.sensor, number);
        let silence = fault::gateway_fault(self.seed, self.gateway, number);
        self.day = Day { number: Some(number), fault, silence, stuck_c: 0.0 };
        if let Some(fault) = fault.filter(|it| it.kind == SensorFaultKind::Stuck) {
            self.day.stuck_c = self.clone().true_c(fault.from_us);
        }
    }

    /// Advances to a minute.
    fn seek(&mut self, minute: i64) {
        if self.minute == Some(minute) {
            return;
        }
        let stretch = minute.div_euclid(STRETCH_MIN);
        let first = match self.minute {
            Some(known) if known < minute && known.div_euclid(STRETCH_MIN) == stretch => known + 1,
            _ => self.begin(stretch),
        };
        for lived in first..=minute {
            self.from_c = self.to_c;
            self.to_c = self.after(self.from_c, lived);
        }
        self.minute = Some(minute);
    }

    /// Restarts from the fixed time before a stretch.
    fn begin(&mut self, stretch: i64) -> i64 {
        let first = stretch * STRETCH_MIN - LEAD_MIN;
        self.to_c = self.equilibrium_c(first);
        first
    }

    fn after(&mut self, temp_c: f64, minute: i64) -> f64 {
        let equilibrium_c = self.equilibrium_c(minute);
        equilibrium_c + (temp_c - equilibrium_c) * self.body.kept_share
    }

    fn equilibrium_c(&mut self, minute: i64) -> f64 {
        let rise_c = self.body.rise_c * self.load_share(minute);
        let is_cooled = !self.is_uncooled(minute * MINUTE_US);
        hall_c(minute) + if is_cooled { rise_c } else { rise_c * UNCOOLED }
    }

    fn is_uncooled(&mut self, at_us: i64) -> bool {
        let day = day_of_us(at_us);
        if self.is_healthy {
            return false;
        }
        if self.fan.day != Some(day) {
            let fault = fault::sensor_fault(self.seed, self.sensor, day);
            let failure = fault.filter(|it| it.kind == SensorFaultKind::FanFailure);
            self.fan = Fan { day: Some(day), failure };
        }
        self.fan.failure.is_some_and(|it| it.holds(at_us))
    }

    fn load_share(&mut self, minute: i64) -> f64 {
        let quarter = minute.div_euclid(15);
        if self.load.quarter != Some(quarter) {
            let hour = (minute + OFFSET_MIN).rem_euclid(24 * 60) / 60;
            let mut rng = generator(self.seed, StreamPurpose::Load, self.gateway, quarter);
            let share = if BUSY_HOURS.contains(&hour) {
                rng.random_range(0.7..1.0)
            } else {
                rng.random_range(0.05..0.25)
            };
            self.load = Load { quarter: Some(quarter), share };
        }
        self.load.share
    }
}

/// Hall temperature at the start of a minute, in degC.
fn hall_c(minute: i64) -> f64 {
    let of_day = (minute + OFFSET_MIN).rem_euclid(24 * 60);
    let hour = usize::try_from(of_day / 60).unwrap_or(0);
    let part = (of_day % 60) as f64 / 60.0;
    HALL_C[hour] + (HALL_C[(hour + 1) % HALL_C.len()] - HALL_C[hour]) * part
}

/// An approximately standard normal number between -3.5 and 3.5: the sum of four uniform ones.
fn bell(rng: &mut Pcg32) -> f64 {
    let drawn = rng.next_u64();
    let sum: u64 = [0, 16, 32, 48].into_iter().map(|shift| (drawn >> shift) & 0xffff).sum();
    (sum as f64 / f64::from(0xffff_u32) - 2.0) * 3.0_f64.sqrt()
}

#[cfg(test)]
mod tests {
    use super::sensors::sensors;
    use super::*;
    use crate::time::{DAY_US, SECOND_US};

    /// 2026-11-02 00:00:00 UTC.
    const MONDAY_US: i64 = 1_793_577_600 * SECOND_US;

    fn noise(at_us: i64) -> Pcg32 {
        generator(1, StreamPurpose::Message, 0, at_us)
    }

    /// The first sensor and day with this fault while the lanes are busy.
    fn with(kind: SensorFaultKind) -> (Sensor, SensorFault) {
        let days = (0..30).map(|day| day_of_us(MONDAY_US) + day);
        let all = days.flat_map(|day| sensors(65, 1).into_iter().map(move |it| (it, day)));
        let mut faults = all.filter_map(|(sensor, day)| {
            let fault = fault::sensor_fault(1, sensor.number, day)?;
            let hour = fault.from_us.rem_euclid(DAY_US) / (60 * MINUTE_US);
            (fault.kind == kind && (5..12).contains(&hour)).then_some((sensor, fault))
        });
        faults.next().unwrap()
    }

    #[test]
    fn a_temperature_does_not_depend_on_the_start() {
        for sensor in sensors(20, 1) {
            let mut through = TemperatureModel::new(1, &sensor);
            for minute in 0..3000 {
                let at_us = MONDAY_US + minute * MINUTE_US + 12_345_678;
                let reported = through.reported_centi(at_us, &mut noise(at_us));
                if minute % 97 == 0 {
                    let mut fresh = TemperatureModel::new(1, &sensor);
                    assert_eq!(
                        fresh.reported_centi(at_us, &mut noise(at_us)),
                        reported,
                        "{minute}"
                    );
                }
            }
        }
    }

    #[test]
    fn temperatures_follow_the_load_of_a_day() {
        let mut noon = Vec::new();
        let mut night = Vec::new();
        for sensor in sensors(65, 1) {
            let mut model = TemperatureModel::new(1, &sensor);
            night.push(model.true_c(MONDAY_US - 4 * 60 * MINUTE_US));
            noon.push(model.true_c(MONDAY_US + 8 * 60 * MINUTE_US));
        }
        let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
        assert!(mean(&noon) > mean(&night) + 8.0, "{} {}", mean(&noon), mean(&night));
        assert!(noon.iter().all(|temp_c| (28.0..90.0).contains(temp_c)), "{noon:?}");
        let over = noon.iter().filter(|temp_c| **temp_c > 50.0).count();
        assert!((3..40).contains(&over), "{over} of 65 are above 50 degC");
    }

    #[test]
    fn a_component_without_fan_overheats_and_recovers() {
        let (sensor, fault) = with(SensorFaultKind::FanFailure);
        let mut model = TemperatureModel::new(1, &sensor);
        let mut at = |at_us| model.true_c(at_us);
        let (before, hot) = (at(fault.from_us), at(fault.to_us));
        let after = at(fault.to_us + 60 * MINUTE_US);
        assert!(hot > before + 3.0 && after < hot - 2.0, "{before} {hot} {after}");
    }

    #[test]
    fn readings_of_faulty_sensors() {
        let reported = |kind, at: fn(&SensorFault) -> i64| {
            let (sensor, fault) = with(kind);
            let at_us = at(&fault);
            let mut model = TemperatureModel::new(1, &sensor);
            let true_c = model.true_c(at_us);
            let reported = model.reported_centi(at_us, &mut noise(at_us));
            reported.map(|centi| f64::from(centi) / 100.0 - true_c)
        };
        let last = |fault: &SensorFault| fault.to_us - 1;
        assert_eq!(reported(SensorFaultKind::DropOut, |fault| fault.from_us), None);
        assert!(reported(SensorFaultKind::DropOut, |fault| fault.to_us).is_some());
        assert!(reported(SensorFaultKind::Spike, last).unwrap() > 40.0);
        assert!((8.0..10.0).contains(&reported(SensorFaultKind::Drift, last).unwrap()));
        assert!(reported(SensorFaultKind::Spike, |fault| fault.to_us).unwrap().abs() < 1.0);
        let (sensor, fault) = with(SensorFaultKind::Stuck);
        let mut model = TemperatureModel::new(1, &sensor);
        let mut all = (fault.from_us..fault.to_us)
            .step_by(30_000_000)
            .map(|at_us| model.reported_centi(at_us, &mut noise(at_us)));
        let first = all.next().unwrap();
        assert!(first.is_some() && all.all(|it| it == first));
    }
}
