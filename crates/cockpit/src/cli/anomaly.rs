//! `cockpit anomaly`: scores of a file of readings.

use super::print;
use anyhow::{Context as _, bail};
use chrono::NaiveDateTime;
use plant::anomaly::{Detector, Onset, Score};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The first line of a file of readings, as the Numenta Anomaly Benchmark has it.
const HEADER: &str = "timestamp,value";

/// Formats of timestamps.
const FORMATS: [&str; 3] = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"];

/// The longest line that is read, in bytes; a file without line ends does not fill the memory.
const LINE_BYTES: u64 = 4096;

/// `cockpit anomaly …`
#[derive(Debug, clap::Subcommand)]
pub enum AnomalyCommand {
    /// Score the readings of a file by how unusual each one is
    ///
    /// The file has the header `timestamp,value` and a reading per line, in order of time, such as
    /// `2014-04-01 00:00:00,20.1`. The output has the same lines with a third column, anomaly_score, between 0
    /// and 1. The score of a reading depends on the readings before it and on none after it. A reading that
    /// repeats the one before, or is older, has the score 0.
    Score(ScoreArgs),
}

/// Flags of `cockpit anomaly score`.
#[derive(Debug, clap::Args)]
pub struct ScoreArgs {
    /// A file, or - for standard input
    file: PathBuf,
    /// Add a column with the reason of each score from this one on
    #[arg(long, value_name = "SCORE")]
    reasons_from: Option<f64>,
    /// Score the beginning of an anomaly only: a reading counts if it is clearly more unusual than those of
    /// the last hours, others have the score 0
    #[arg(long)]
    onsets: bool,
    /// Unit of the readings in reasons
    #[arg(long, value_name = "UNIT", default_value = "degC")]
    unit: String,
}

/// Writes the scores to standard output.
pub fn run(command: &AnomalyCommand) -> anyhow::Result<bool> {
    let AnomalyCommand::Score(args) = command;
    let output = BufWriter::new(std::io::stdout().lock());
    let is_standard_input = args.file == Path::new("-");
    let written = if is_standard_input {
        score(std::io::stdin().lock(), output, args)
    } else {
        let file = File::open(&args.file)
            .with_context(|| format!("cannot open {}", args.file.display()))?;
        score(BufReader::new(file), output, args)
    };
    print::unless_closed(written)
}

/// Scores the readings of `input`.
fn score(mut input: impl BufRead, mut output: impl Write, args: &ScoreArgs) -> anyhow::Result<()> {
    let name = args.file.display();
    let mut line = String::new();
    if !next_line(&mut input, &mut line).with_context(|| format!("cannot read {name}"))? {
        bail!("{name} is empty: expected the header `{HEADER}`");
    }
    if line.trim_start_matches('\u{feff}') != HEADER {
        bail!("invalid header `{line}` in {name}: expected `{HEADER}`");
    }
    let reason = if args.reasons_from.is_some() { ",reason" } else { "" };
    writeln!(output, "{HEADER},anomaly_score{reason}")?;
    let mut scorer = Scorer { is_onset: args.onsets, ..Scorer::default() };
    for number in 2.. {
        let at = || format!("line {number} of {name}");
        if !next_line(&mut input, &mut line).with_context(at)? {
            break;
        }
        if !line.is_empty() {
            write_scored(&mut scorer, &line, &mut output, args).with_context(at)?;
        }
    }
    output.flush()?;
    Ok(())
}

/// Reads the next line without its end; `false` at the end of the input.
fn next_line(input: &mut impl BufRead, line: &mut String) -> anyhow::Result<bool> {
    line.clear();
    let bytes = std::io::Read::take(&mut *input, LINE_BYTES).read_line(line)?;
    if bytes as u64 == LINE_BYTES && !line.ends_with('\n') {
        bail!("the line is longer than {LINE_BYTES} bytes");
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(bytes > 0)
}

/// A detector, and how unusual the last readings were.
#[derive(Debug, Default)]
struct Scorer {
    detector: Detector,
    is_onset: bool,
    onset: Onset,
}

impl Scorer {
    fn take(&mut self, at_us: i64, value: f64) -> Option<Score> {
        let found = self.detector.take(at_us, value)?;
        let score = if self.is_onset { self.onset.score(at_us, found.score) } else { found.score };
        Some(Score { score, ..found })
    }
}

fn write_scored(
    scorer: &mut Scorer,
    line: &str,
    output: &mut impl Write,
    args: &ScoreArgs,
) -> anyhow::Result<()> {
    let (at_us, value) = parse(line)?;
    let found = scorer.take(at_us, value);
    let score = found.map_or(0.0, |it| it.score);
    write!(output, "{line},{score:.6}")?;
    if let Some(from) = args.reasons_from {
        let reason = found.filter(|it| it.score >= from && it.score > 0.0).map(|it| it.reason);
        let reason = reason.map(|it| format!("\"{}\"", it.with_unit(&args.unit)));
        write!(output, ",{}", reason.unwrap_or_default())?;
    }
    writeln!(output)?;
    Ok(())
}

/// Time in microseconds since 1970 and value of a line.
fn parse(line: &str) -> anyhow::Result<(i64, f64)> {
    let Some((time, value)) = line.split_once(',') else {
        bail!("invalid line `{line}`: expected a timestamp and a value with a comma between them");
    };
    let parsed = FORMATS.iter().find_map(|it| NaiveDateTime::parse_from_str(time.trim(), it).ok());
    let Some(at) = parsed else {
        bail!("invalid timestamp `{time}`: expected a time such as 2014-04-01 00:00:00");
    };
    let number = value.trim().parse().ok().filter(|it: &f64| it.is_finite());
    let Some(number) = number else {
        bail!("invalid value `{value}`: expected a number such as 20.1");
    };
    Ok((at.and_utc().timestamp_micros(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(input: &str) -> anyhow::Result<String> {
        let args = ScoreArgs {
            file: "a.csv".into(),
            reasons_from: Some(0.9),
            onsets: false,
            unit: "bar".into(),
        };
        let mut output = Vec::new();
        score(input.as_bytes(), &mut output, &args)?;
        Ok(String::from_utf8(output)?)
    }

    #[track_caller]
    fn check_refused(input: &str, message: &str) {
        assert_eq!(format!("{:#}", scored(input).unwrap_err()), message);
    }

    #[test]
    fn each_reading_has_a_score_and_unusual_ones_a_reason() {
        let mut input = format!("{HEADER}\r\n");
        let start = NaiveDateTime::parse_from_str("2014-04-01 00:00:00", FORMATS[0]).unwrap();
        for minute in 0..6 * 1440 {
            let at = start + chrono::TimeDelta::minutes(minute);
            let value = 20 + minute * 7919 % 13 + if minute == 8000 { 90 } else { 0 };
            input.push_str(&format!("{at},{value}\n"));
        }
        let output = scored(&input).unwrap();
        let mut lines = output.lines();
        assert_eq!(lines.next(), Some("timestamp,value,anomaly_score,reason"));
        assert_eq!(lines.next(), Some("2014-04-01 00:00:00,20,0.000000,"));
        let unusual: Vec<&str> = lines.filter(|it| !it.ends_with(',')).collect();
        assert!(!unusual.is_empty() && unusual.len() < 5, "{unusual:?}");
        assert!(unusual[0].starts_with("2014-04-06 13:20:00,"), "{unusual:?}");
        assert!(unusual[0].contains("\"jumped up by"), "{unusual:?}");
    }

    #[test]
    fn a_mistake_is_reported_with_its_line() {
        check_refused("", "a.csv is empty: expected the header `timestamp,value`");
        check_refused("a,b\n", "invalid header `a,b` in a.csv: expected `timestamp,value`");
        let line = |line: &str| format!("{HEADER}\n2014-04-01 00:00:00,1\n{line}\n");
        check_refused(
            &line("2014-04-01"),
            "line 3 of a.csv: invalid line `2014-04-01`: expected a timestamp and a value with a comma \
             between them",
        );
        check_refused(
            &line("01.04.2014,1"),
            "line 3 of a.csv: invalid timestamp `01.04.2014`: expected a time such as 2014-04-01 00:00:00",
        );
        check_refused(
            &line("2014-04-01 00:05:00,warm"),
            "line 3 of a.csv: invalid value `warm`: expected a number such as 20.1",
        );
        check_refused(
            &line(&"1".repeat(5000)),
            "line 3 of a.csv: the line is longer than 4096 bytes",
        );
    }
}
