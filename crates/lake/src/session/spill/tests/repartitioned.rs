//! Statements in several partitions terminate, however little memory there is.

use crate::session;
use crate::session::spill::single_input::has_single_input;
use crate::session::spill::{partitioned_rules, spilling_rules};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::util::pretty::pretty_format_batches;
use config::model::TableName;
use config::settings::Limits;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    GreedyMemoryPool, MemoryLimit, MemoryPool, MemoryReservation,
};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::prelude::SessionContext;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A statement that has not ended by then is deadlocked; alone it takes less than a second in the short form,
/// and some seconds in the long one.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Statements that repartition rows several times: counts of distinct texts, and one that joins, unites and
/// aggregates two large tables.
const STATEMENTS: [&str; 2] = [
    "SELECT kind, count(DISTINCT text) AS texts FROM silver.made GROUP BY kind ORDER BY kind",
    "WITH made AS (SELECT m.kind, count(*) AS boards, max(m.text) AS last FROM silver.made AS m \
       JOIN silver.stage AS s ON s.id = m.id WHERE s.kind > 0 GROUP BY m.kind), \
     kinds AS (SELECT kind FROM silver.made UNION SELECT kind FROM silver.stage) \
     SELECT kinds.kind, coalesce(made.boards, 0) AS boards, made.last FROM kinds \
       LEFT JOIN made ON made.kind = kinds.kind ORDER BY kinds.kind",
];

/// A memory pool that refuses every batch between two partitions, so that all of them are written to files, as
/// if other statements used the memory.
#[derive(Debug)]
struct NoQueues(GreedyMemoryPool);

impl fmt::Display for NoQueues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl MemoryPool for NoQueues {
    fn name(&self) -> &'static str {
        "no_queues"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.0.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.0.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if reservation.consumer().name().starts_with("RepartitionExec") {
            return Err(DataFusionError::ResourcesExhausted("nothing for queues".to_owned()));
        }
        self.0.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.0.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.0.memory_limit()
    }
}

fn limits(memory_bytes: u64, batch_rows: u64) -> Limits {
    let mut limits = Limits::default();
    limits.refine.memory_bytes = usize::try_from(memory_bytes).unwrap();
    limits.lake.batch_rows = usize::try_from(batch_rows).unwrap();
    limits
}

/// A table with an id, one of 13 kinds, and a text that many rows share.
fn table(rows: i64, parts: i64, batch_rows: usize) -> MemTable {
    let batch = |ids: &[i64]| {
        let texts =
            ids.iter().map(|id| Some(format!("text number {:032}", id * 7919 % (rows / 3))));
        let columns: [(&str, ArrayRef); 3] = [
            ("id", Arc::new(Int64Array::from(ids.to_vec()))),
            ("kind", Arc::new(ids.iter().map(|id| Some(id % 13)).collect::<Int64Array>())),
            ("text", Arc::new(texts.collect::<StringArray>())),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let part = |part: i64| {
        let ids: Vec<i64> = (0..rows).filter(|id| id % parts == part).collect();
        ids.chunks(batch_rows).map(batch).collect::<Vec<_>>()
    };
    let parts: Vec<Vec<RecordBatch>> = (0..parts).map(part).collect();
    MemTable::try_new(parts[0][0].schema(), parts).unwrap()
}

struct Tables(Arc<MemTable>, Arc<MemTable>);

impl Tables {
    fn new(rows: i64, parts: i64, batch_rows: usize) -> Self {
        let make = || Arc::new(table(rows, parts, batch_rows));
        Self(make(), make())
    }

    fn register(&self, session: &SessionContext) {
        for (name, table) in [("made", &self.0), ("stage", &self.1)] {
            session::register(session, &TableName::new("silver", name), table.clone()).unwrap();
        }
    }
}

async fn answer(session: &SessionContext, statement: &str) -> Result<String> {
    let batches = session.sql(statement).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

/// The result of a statement; fails the test if it does not end in time.
async fn in_time(session: &SessionContext, statement: &str, of: &str) -> Result<String> {
    let answer = tokio::time::timeout(TIME_LIMIT, answer(session, statement)).await;
    answer.unwrap_or_else(|_| panic!("{of}: this statement does not end: {statement}"))
}

fn no_queues() -> Arc<RuntimeEnv> {
    let pool = NoQueues(GreedyMemoryPool::new(256 << 20));
    session::spilling_to_disk(Arc::new(pool)).unwrap()
}

/// The result of every statement with enough memory.
async fn expected(tables: &Tables) -> Vec<String> {
    let limits = limits(4 << 30, 8192);
    let session = session::empty(&limits, session::runtime(&limits).unwrap(), 1);
    tables.register(&session);
    let mut answers = Vec::new();
    for statement in STATEMENTS {
        answers.push(answer(&session, statement).await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn statements_end_when_all_batches_between_partitions_go_through_files() {
    const BATCH_ROWS: usize = 64;
    const ROUNDS: usize = 50;
    let tables = Tables::new(20_000, 4, BATCH_ROWS);
    let expected = expected(&tables).await;
    for partitions in [2, 4] {
        let limits = limits(256 << 20, BATCH_ROWS as u64);
        let session = session::empty(&limits, no_queues(), partitions);
        tables.register(&session);
        for round in 0..ROUNDS {
            for (statement, expected) in STATEMENTS.iter().zip(&expected) {
                let of = format!("round {round} in {partitions} partitions");
                assert_eq!(&in_time(&session, statement, &of).await.unwrap(), expected, "{of}");
            }
        }
    }
}

/// Runs a statement like a refinement step: in several partitions, and if memory is exhausted, again with joins
/// that spill.
async fn refined(tables: &Tables, limits: &Limits, partitions: usize, statement: &str) -> String {
    let of = format!("{partitions} partitions in {} bytes", limits.refine.memory_bytes);
    let session = session::empty(limits, session::runtime(limits).unwrap(), partitions);
    tables.register(&session);
    let first = in_time(&session, statement, &of).await;
    let error = match first {
        Ok(answer) => return answer,
        Err(error) => error,
    };
    let root = error.find_root();
    assert!(matches!(root, DataFusionError::ResourcesExhausted(_)), "{of}: {error}");
    let session = session::spilling(limits).unwrap();
    tables.register(&session);
    in_time(&session, statement, &of).await.unwrap()
}

/// Runs statements one after the other, with memory between the two sizes and in 1 to 8 partitions. The tables
/// are as large as the smaller memory.
async fn statements_end(statements: usize, memory_mb: [u64; 3], batch_rows: usize) {
    let rows = i64::try_from(memory_mb[0] << 20).unwrap() / 100;
    let tables = Tables::new(rows, 4, batch_rows);
    let expected = expected(&tables).await;
    for at in 0..statements {
        let memory_bytes = memory_mb[at % 3] << 20;
        let partitions = 1 << (at / 3 % 4);
        let limits = limits(memory_bytes, batch_rows as u64);
        let which = at % STATEMENTS.len();
        let answer = refined(&tables, &limits, partitions, STATEMENTS[which]).await;
        assert_eq!(answer, expected[which], "{partitions} partitions in {memory_bytes} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn statements_end_in_little_memory() {
    statements_end(12, [4, 8, 16], 256).await;
}

#[ignore = "the long form of the test above: some 200 statements over large tables, many minutes"]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_statements_end_in_64_to_256_megabytes() {
    statements_end(200, [64, 128, 256], 8192).await;
}

/// The number of repartitionings of a plan with several inputs.
fn with_several_inputs(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let mut found = 0;
    plan.apply(|plan| {
        let repartition = plan.downcast_ref::<RepartitionExec>();
        found += usize::from(repartition.is_some_and(|it| !has_single_input(it)));
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    found
}

#[tokio::test]
async fn every_repartitioning_has_a_single_input() {
    let limits = limits(256 << 20, 64);
    let session = session::empty(&limits, no_queues(), 4);
    let tables = Tables::new(20_000, 4, 64);
    tables.register(&session);
    // As DataFusion plans it by default.
    let state = session.state_ref();
    let ours = state.read().clone();
    let theirs =
        datafusion::execution::session_state::SessionStateBuilder::new_from_existing(ours.clone())
            .with_physical_optimizer_rules(
                datafusion::physical_optimizer::optimizer::PhysicalOptimizer::new().rules,
            )
            .build();
    for statement in STATEMENTS {
        let logical = session.sql(statement).await.unwrap().into_unoptimized_plan();
        let plan = theirs.create_physical_plan(&logical).await.unwrap();
        assert!(with_several_inputs(&plan) > 0, "{statement}");
        let plan = ours.create_physical_plan(&logical).await.unwrap();
        assert_eq!(with_several_inputs(&plan), 0, "{statement}");
    }
}

/// The positions of our rules depend on the names of those of DataFusion.
#[test]
fn our_rules_are_in_their_positions() {
    let names = |rules: Vec<
        Arc<dyn datafusion::physical_optimizer::PhysicalOptimizerRule + Send + Sync>,
    >| { rules.iter().map(|rule| rule.name().to_owned()).collect::<Vec<_>>() };
    for rules in [names(partitioned_rules()), names(spilling_rules())] {
        let at = rules.iter().position(|name| name == "single_repartition_input").unwrap();
        assert_eq!(rules[at + 1], "EnsureCooperative");
    }
    let rules = names(spilling_rules());
    let at = rules.iter().position(|name| name == "parted_large_joins").unwrap();
    assert_eq!(rules[at - 1], "join_selection");
}
