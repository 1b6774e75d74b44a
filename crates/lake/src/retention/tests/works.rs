//! A plant with a stream, with a lake, a clock and messages of the test.

use crate::context::{LakeContext, ReadMessages, read_messages};
use crate::lake::Lake;
use crate::meta;
use crate::offsets::{Partition, last_offsets};
use crate::plan::planner;
use crate::reconciliation::streams::StreamReconciliation;
use crate::refine::RefreshMode;
use crate::retention::expire::Expired;
use crate::retention::expire::{expire, table};
use crate::run::refine;
use crate::stream::interpret::Interpreter;
use crate::stream::land::{Chunk, Lander};
use crate::stream::resume::Wanted;
use crate::{session, stream, upkeep};
use arrow::array::{ArrayRef, BinaryArray, Int32Array, Int64Array, StringArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use batches::batch::{Fields, Messages};
use chrono::{DateTime, Utc};
use config::folder;
use config::location::{self, Purpose};
use config::settings::Limits;
use plant::contract::Contract;
use plant::time::{DAY_US, HOUR_US};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Noon of a Wednesday.
const BEGIN_US: i64 = 20_005 * DAY_US + 12 * HOUR_US;

pub const KEPT_DAYS: i64 = 10;

const PLANT: &str = "name = \"Case\"\nzone = \"Asia/Kolkata\"\n";

const CONTRACT: &str = r#"
description = "Temperatures as received."
source = "iot"
topics = ["temperatures"]
format = "message"
columns = [
    { name = "machine", type = "text", required = true, description = "Machine." },
    { name = "at", type = "time", formats = ["epoch_s"], zone = "UTC", local = true, required = true, description = "When." },
    { name = "temp_c", type = "float", required = true, description = "Temperature." },
]
"#;

const SILVER: &str = "-- Temperatures of machines.
--
-- key: machine, at, temp_c
-- expect possible: temp_c < 100 | reject
-- column machine: The machine.
-- column at: When the temperature was taken, UTC.
-- column hour_at: Its hour, UTC.
-- column day_local: Its day on the plant's clock.
-- column week_at: Its week, UTC.
-- column temp_c [degC]: The temperature.
SELECT machine, at, date_trunc('hour', at) AS hour_at, at_day_local AS day_local,
    date_trunc('week', at) AS week_at, temp_c
FROM typed.temperature
";

pub fn gold(period: &str) -> String {
    format!(
        "-- Temperatures by period.
--
-- grain: machine, {period}
-- refresh: {period}
-- column machine: The machine.
-- column {period}: The period.
-- column readings [readings]: Temperatures taken.
-- column temp_c_max [degC]: The highest of them.
SELECT machine, {period}, count(*) AS readings, max(temp_c) AS temp_c_max
FROM silver.reading
GROUP BY machine, {period}
"
    )
}

pub const GOLD: [(&str, &str); 3] =
    [("by_hour", "hour_at"), ("by_day", "day_local"), ("by_week", "week_at")];

pub type Texts = BTreeMap<String, String>;

pub fn texts() -> Texts {
    let mut texts = Texts::from([
        ("plant.toml".to_owned(), PLANT.to_owned()),
        ("bronze/temperature.toml".to_owned(), CONTRACT.to_owned()),
        ("silver/reading.sql".to_owned(), SILVER.to_owned()),
    ]);
    texts.extend(GOLD.map(|(name, period)| (format!("gold/{name}.sql"), gold(period))));
    texts
}

fn kept(days: i64) -> String {
    format!("-- key: machine, at, temp_c\n-- retention: {days} days\n")
}

/// The same plant with a retention of silver in days.
pub fn silver_kept(mut texts: Texts, days: i64) -> Texts {
    let silver = SILVER.replace("-- key: machine, at, temp_c\n", &kept(days));
    texts.insert("silver/reading.sql".to_owned(), silver);
    texts
}

pub fn bronze_kept(mut texts: Texts, days: i64) -> Texts {
    let contract = format!("retention = \"{days} days\"\n{CONTRACT}");
    texts.insert("bronze/temperature.toml".to_owned(), contract);
    texts
}

thread_local! {
    static NOW_US: Cell<i64> = const { Cell::new(BEGIN_US) };
}

fn clock() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(NOW_US.get()).unwrap()
}

/// Resets the clock to the start of each test.
pub fn begin() {
    NOW_US.set(BEGIN_US);
}

pub fn advance(days: i64) {
    NOW_US.set(NOW_US.get() + days * DAY_US);
}

/// Messages as `machine|seconds|temperature`.
fn reader() -> ReadMessages {
    read_messages(|_: &Contract, messages: &Messages| {
        let texts: Vec<&str> =
            messages.payload.iter().map(|it| std::str::from_utf8(it.unwrap()).unwrap()).collect();
        let column = |at: usize| -> ArrayRef {
            let part = |text: &&str| text.split('|').nth(at).map(str::to_owned);
            Arc::new(texts.iter().map(part).collect::<StringArray>())
        };
        let none = || StringArray::new_null(texts.len());
        let columns = vec![column(0), column(1), column(2)];
        let fields = Fields { columns, fault: none(), rest: none(), elements: None };
        Box::pin(std::future::ready(Ok(fields)))
    })
}

/// A reading: hours since it was taken, days since the broker received it, the temperature.
pub type Reading = (i64, i64, i64);

pub struct Works {
    folder: tempfile::TempDir,
    pub context: LakeContext,
    reconciliation: StreamReconciliation,
    is_started: bool,
    texts: Texts,
}

impl Works {
    pub async fn new(texts: &Texts) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let context = open(&folder, texts).await;
        let reconciliation = reconciliation(&context);
        Self { folder, context, reconciliation, is_started: false, texts: texts.clone() }
    }

    /// Restarts the program with another plant on the same lake.
    pub async fn reopen(&mut self, texts: &Texts) {
        self.context = open(&self.folder, texts).await;
        (self.reconciliation, self.is_started) = (reconciliation(&self.context), false);
        self.texts.clone_from(texts);
    }

    /// Restarts the program.
    pub async fn restart(&mut self) {
        self.reopen(&self.texts.clone()).await;
    }

    pub async fn send(&mut self, messages: &[Reading]) {
        let lander = self.write(messages).await;
        self.commit(lander).await;
    }

    pub async fn commit(&mut self, mut lander: Lander) {
        self.reconciliation.landed(lander.commit().await.unwrap());
    }

    /// Writes messages without committing them.
    pub async fn write(&mut self, readings: &[Reading]) -> Lander {
        let context = self.context.clone();
        let (step, contract) = (&context.steps[0], &context.plant.contracts["temperature"]);
        let table = context.lake.table(step.name()).unwrap();
        let mut interpreter = Interpreter::new(&context, step, contract, &table).unwrap();
        let mut lander = Lander::new(&context, step, contract).unwrap();
        let partition = Partition { topic: "temperatures".into(), number: 0 };
        let wanted = Wanted {
            topic: partition.topic.clone(),
            partitions: vec![partition.number],
            id: None,
            is_other: false,
        };
        let resumed = lander.resume(&wanted).await.unwrap();
        assert!(resumed.backlog.is_empty());
        if !std::mem::replace(&mut self.is_started, true) {
            self.reconciliation.resumed(&resumed);
        }
        for rows in &resumed.recent {
            interpreter.remember(rows).unwrap();
        }
        let next = resumed.landed.get(&partition).map_or(0, |last| last + 1);
        interpreter.reject_late(resumed.late_data);
        let count = i64::try_from(readings.len()).unwrap();
        let payload = readings.iter().map(|(hours, _, temp_c)| {
            format!("oven|{}|{temp_c}", (NOW_US.get() - hours * HOUR_US) / 1_000_000)
        });
        let received = readings.iter().map(|(_, days, _)| NOW_US.get() - days * DAY_US);
        let messages = Messages {
            topic: partition.topic.clone(),
            partition: Int32Array::from(vec![0; readings.len()]),
            offset: (next..next + count).collect::<Int64Array>(),
            timestamp_us: received.collect::<Int64Array>(),
            payload: payload.map(|it| Some(it.into_bytes())).collect::<BinaryArray>(),
            key: None,
            headers: None,
        };
        let pointers = interpreter.pointers(&messages);
        let fields = (context.read)(contract, &messages).await.unwrap();
        let interpreted = interpreter.interpret(&messages, &pointers, fields).unwrap();
        let bronze = Some(stream::rows(&messages, &pointers, None).unwrap());
        let chunk = Chunk { bronze, interpreted, offsets: last_offsets(&messages) };
        self.reconciliation.read(&chunk);
        lander.write(chunk).await.unwrap();
        lander
    }

    pub async fn refine(&self) {
        refine(&self.context, RefreshMode::Incremental).await.unwrap();
    }

    pub async fn rebuild(&self) {
        refine(&self.context, RefreshMode::Full).await.unwrap();
    }

    pub async fn expire(&self) {
        expire(&self.context).await.unwrap();
    }

    pub async fn compact(&self) {
        for name in ["bronze.temperature", "silver.reading"] {
            let (schema, name) = name.split_once('.').unwrap();
            let name = config::model::TableName::new(schema, name);
            upkeep::compact(&self.context.lake, &name).await.unwrap();
        }
    }

    /// The rows of a query as text.
    pub async fn query(&self, sql: &str) -> Vec<String> {
        let session =
            session::open(&self.context.lake, self.context.runtime.clone(), 1).await.unwrap();
        let mut rows = Vec::new();
        for batch in session.sql(sql).await.unwrap().collect().await.unwrap() {
            let options = FormatOptions::default();
            let format = |it| ArrayFormatter::try_new(it, &options).unwrap();
            let columns: Vec<_> = batch.columns().iter().map(|it| format(it.as_ref())).collect();
            for row in 0..batch.num_rows() {
                let texts: Vec<String> =
                    columns.iter().map(|it| it.value(row).to_string()).collect();
                rows.push(texts.join(" "));
            }
        }
        rows.sort();
        rows
    }

    pub async fn gold(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut found = BTreeMap::new();
        for (name, period) in GOLD {
            let columns = format!("machine, {period}, readings, temp_c_max");
            found.insert(name, self.query(&format!("SELECT {columns} FROM gold.{name}")).await);
        }
        found
    }

    pub async fn count(&self, table: &str) -> usize {
        self.query(&format!("SELECT _offset FROM {table}")).await.len()
    }

    pub async fn expired(&self) -> usize {
        let rows: Vec<Expired> = meta::rows(&self.context.lake, &table()).await.unwrap();
        let of_silver = rows.iter().filter(|row| row.table_name == "silver.reading");
        usize::try_from(of_silver.map(|row| row.rows).sum::<i64>()).unwrap()
    }

    pub async fn assert_balanced(&mut self) {
        let entries = self.reconciliation.reconcile(&self.context).await.unwrap();
        assert!(entries.iter().all(|entry| entry.is_balanced), "{entries:?}");
    }
}

fn reconciliation(context: &LakeContext) -> StreamReconciliation {
    let contract = &context.plant.contracts["temperature"];
    StreamReconciliation::new(contract, &context.steps[0], clock())
}

async fn open(folder: &tempfile::TempDir, texts: &Texts) -> LakeContext {
    let (plant, mistakes) = folder::read(texts);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let plant = plant.unwrap();
    let (mut steps, mistakes) = planner::plan(&plant).await.unwrap();
    assert!(mistakes.is_empty(), "{mistakes:?}");
    // Silver first, whatever the names.
    steps.sort_by_key(|step| step.model.cleans().is_none());
    let place = location::open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
    let mut limits = Limits::default();
    limits.lake.compact_files = 2;
    let run = uuid::Uuid::now_v7().simple().to_string();
    LakeContext {
        lake: Arc::new(Lake::new(place, limits.clone(), &run, clock)),
        plant: Arc::new(plant),
        steps: Arc::new(steps),
        runtime: session::runtime(&limits).unwrap(),
        memory: Arc::default(),
        read: reader(),
    }
}
