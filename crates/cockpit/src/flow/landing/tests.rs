//! A dump costs the same however many there are: counted in operations of the lake's store.

use super::TableLanding;
use crate::flow::open::plan;
use crate::flow::{Event, Flow, now, stream};
use async_trait::async_trait;
use config::folder;
use config::location::Location;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use lake::context::LakeContext;
use lake::dumps::{DumpRow, Status};
use lake::{Lake, session};
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PLANT: &str = "name = \"Case\"\nzone = \"Asia/Kolkata\"\n";
const CONTRACT: &str = r#"
description = "Boards, a file each."
source = "mes"
paths = ["board/*.csv"]
format = "delimited"
delimiter = ","
header = true
columns = [
    { name = "id", type = "int", required = true },
    { name = "qty", type = "int", required = true },
]
"#;
const SILVER: &str = "-- Boards.
--
-- key: id
-- column id [1]: Number.
-- column qty [1]: Quantity.
SELECT id, qty FROM typed.board
";

/// Dumps that share a commit in this test.
const TOGETHER: usize = 10;

/// A store in memory that counts requests.
#[derive(Debug, Default)]
struct Counting {
    inner: InMemory,
    operations: AtomicU64,
    bytes: AtomicU64,
}

impl fmt::Display for Counting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("counting")
    }
}

impl Counting {
    fn count(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
    }

    /// Operations and bytes read since the last look.
    fn taken(&self) -> Cost {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        Cost { operations: take(&self.operations), bytes: take(&self.bytes) }
    }
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put_opts(
        &self,
        location: &Key,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.count();
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Key,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.count();
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Key, options: GetOptions) -> Result<GetResult> {
        self.count();
        let result = self.inner.get_opts(location, options).await?;
        self.bytes.fetch_add(result.range.end - result.range.start, Ordering::Relaxed);
        Ok(result)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Key>>,
    ) -> BoxStream<'static, Result<Key>> {
        self.count();
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.count();
        self.inner.list(prefix).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> Result<ListResult> {
        self.count();
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> Result<()> {
        self.count();
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug, Clone, Copy)]
struct Cost {
    operations: u64,
    bytes: u64,
}

struct Plant {
    flow: Flow,
    bucket: Arc<InMemory>,
    lake: Arc<Counting>,
}

fn location(store: Arc<dyn ObjectStore>) -> Location {
    let url = url::Url::parse("memory:///").unwrap();
    let (prefix, skipped) = (Key::default(), Default::default());
    Location {
        name: "memory".into(),
        url,
        root: store,
        prefix,
        folder: None,
        is_file_server: false,
        signer: None,
        skipped,
    }
}

impl Plant {
    async fn new() -> Self {
        Self::with(16 << 20).await
    }

    /// `together_bytes`: above this size a dump lands alone.
    async fn with(together_bytes: usize) -> Self {
        let texts = BTreeMap::from([
            ("plant.toml".to_owned(), PLANT.to_owned()),
            ("bronze/board.toml".to_owned(), CONTRACT.to_owned()),
            ("silver/board.sql".to_owned(), SILVER.to_owned()),
        ]);
        let (plant, found) = folder::read(&texts);
        let mut plant = plant.unwrap_or_else(|| panic!("{found:?}"));
        plant.limits.ingest.land_together_dumps = TOGETHER;
        plant.limits.ingest.land_together_bytes = together_bytes;
        let (bucket, lake) = (Arc::new(InMemory::new()), Arc::new(Counting::default()));
        Self::over(plant, bucket, lake, "run").await
    }

    /// Another process at the same lake and bucket.
    async fn beside(&self, run: &str) -> Self {
        let plant = self.flow.refinery.plant.as_ref().clone();
        Self::over(plant, self.bucket.clone(), self.lake.clone(), run).await
    }

    async fn over(
        plant: config::folder::Plant,
        bucket: Arc<InMemory>,
        lake: Arc<Counting>,
        run: &str,
    ) -> Self {
        let steps = plan(&plant).await.unwrap();
        let limits = plant.limits.clone();
        let runtime = session::runtime(&limits).unwrap();
        let read = stream::reader(&limits, None);
        let refinery = LakeContext {
            lake: Arc::new(Lake::new(location(lake.clone()), limits, run, now)),
            plant: Arc::new(plant),
            steps: Arc::new(steps),
            runtime,
            memory: Arc::default(),
            read,
        };
        let bucket_location = Some(Arc::new(location(bucket.clone())));
        let flow = Flow {
            refinery,
            bucket: bucket_location,
            plant_folder: None,
            public_url: None,
            kafka: None,
            messages_read: Arc::default(),
            is_simulated: false,
            began_at: now(),
            watching: Default::default(),
            pulled: Default::default(),
            unmatched_at: Arc::default(),
            sources: Arc::default(),
            states: Default::default(),
            topics: Default::default(),
        };
        Self { flow, bucket, lake }
    }

    async fn put(&self, numbers: std::ops::Range<u64>) {
        for number in numbers {
            let text = format!("id,qty\n{number},1\n");
            let key = Key::from(format!("board/{number:05}.csv"));
            self.bucket.put(&key, text.into_bytes().into()).await.unwrap();
        }
    }

    /// A round, and what it cost.
    async fn round(&self, dumps: usize) -> Cost {
        self.lake.taken();
        let report = self.flow.round(&(Arc::new(|_: Event| {}) as _)).await.unwrap();
        assert!(report.is_success(), "{report:?}");
        assert_eq!(report.read.len(), dumps);
        self.lake.taken()
    }

    async fn rows(&self, sql: &str) -> usize {
        let context = self.flow.session().await.unwrap();
        context.sql(sql).await.unwrap().count().await.unwrap()
    }
}

#[tokio::test]
async fn many_dumps_cost_as_much_each_as_few() {
    let (few, many) = (Plant::new().await, Plant::new().await);
    few.put(0..50).await;
    many.put(0..500).await;
    let (of_few, of_many) = (few.round(50).await, many.round(500).await);
    assert_eq!(many.rows("SELECT id FROM silver.board").await, 500);
    assert!(of_many.operations <= 10 * of_few.operations, "{of_few:?} {of_many:?}");
    assert!(of_many.bytes <= 10 * of_few.bytes, "{of_few:?} {of_many:?}");
    // One more costs as many operations, however many there are.
    few.put(50..51).await;
    many.put(500..501).await;
    let (of_few, of_many) = (few.round(1).await, many.round(1).await);
    assert_eq!(many.rows("SELECT id FROM silver.board").await, 501);
    assert!(of_many.operations <= 2 * of_few.operations, "{of_few:?} {of_many:?}");
}

#[tokio::test]
async fn small_dumps_share_data_files_and_commits() {
    let plant = Plant::new().await;
    plant.put(0..100).await;
    plant.round(100).await;
    let lake = plant.flow.lake();
    let name = config::model::TableName::new("bronze", "board");
    let state = lake.state(&name).await.unwrap().unwrap();
    assert_eq!(state.files().len(), 10, "a data file for {TOGETHER} dumps");
    assert_eq!(state.version() + 1, 10, "a commit for {TOGETHER} dumps");
    assert_eq!(plant.rows("SELECT DISTINCT _file FROM bronze.board").await, 100);
}

#[tokio::test]
async fn large_dumps_land_alone() {
    let plant = Plant::with(1).await;
    plant.put(0..7).await;
    plant.round(7).await;
    let lake = plant.flow.lake();
    let name = config::model::TableName::new("bronze", "board");
    let state = lake.state(&name).await.unwrap().unwrap();
    assert_eq!((state.files().len(), state.version() + 1), (7, 7));
    assert_eq!(plant.rows("SELECT id FROM silver.board").await, 7);
    // Each round leaves its files small; once there are enough, they are compacted.
    for number in 7..40 {
        plant.put(number..number + 1).await;
        plant.round(1).await;
    }
    let state = lake.state(&name).await.unwrap().unwrap();
    assert!(state.files().len() < 32, "{} data files", state.files().len());
    assert_eq!(plant.rows("SELECT id FROM silver.board").await, 40);
    let rewritten = Key::from("board/00003.csv");
    plant.bucket.put(&rewritten, "id,qty\n3,9\n".into()).await.unwrap();
    plant.round(1).await;
    assert_eq!(plant.rows("SELECT id FROM silver.board WHERE id = 3 AND qty = 9").await, 1);
    assert_eq!(plant.rows("SELECT id FROM silver.board").await, 40);
}

/// A process was so slow that another one took its claims over: both have read the same dumps.
#[tokio::test]
async fn a_dump_that_another_process_landed_meanwhile_is_not_landed_again() {
    let first = Plant::new().await;
    first.put(0..5).await;
    let second = first.beside("second").await;
    let bucket = location(first.bucket.clone());
    let contracts: Vec<_> = first.flow.dump_contracts().cloned().map(Arc::new).collect();
    let zone = first.flow.refinery.plant.zone;
    let listed = ingest::files::list(&bucket, &contracts, zone).await.unwrap();
    let mut slow = TableLanding::new(&first.flow, None);
    for found in &listed {
        assert_eq!(slow.land_one(&bucket, found, None).await, Status::Landed);
    }
    let mut fast = TableLanding::new(&second.flow, None);
    for found in &listed[..3] {
        assert_eq!(fast.land_one(&bucket, found, None).await, Status::Landed);
    }
    let files = |rows: Vec<DumpRow>| rows.into_iter().map(|row| row.file).collect::<Vec<_>>();
    let keys: Vec<String> = listed.iter().map(|it| it.key.clone()).collect();
    assert_eq!(files(fast.close().await), keys[..3]);
    assert_eq!(files(slow.close().await), keys[3..]);
    assert_eq!(first.rows("SELECT * FROM bronze.board").await, 5);
    assert_eq!(first.rows("SELECT DISTINCT _file, _dump FROM bronze.board").await, 5);
}

#[tokio::test]
async fn processes_share_the_dumps_of_a_bucket() {
    let first = Plant::new().await;
    first.put(0..200).await;
    let (second, third) = (first.beside("second").await, first.beside("third").await);
    let quiet: crate::flow::Watcher = Arc::new(|_: Event| {});
    let (one, two, three) = tokio::join!(
        first.flow.land_once(&quiet),
        second.flow.land_once(&quiet),
        third.flow.land_once(&quiet)
    );
    let read = [one, two, three].map(|report| report.unwrap().read.len());
    assert_eq!(read.iter().sum::<usize>(), 200, "{read:?}");
    assert!(read.iter().all(|read| *read > 0), "{read:?}");
    assert_eq!(first.rows("SELECT * FROM bronze.board").await, 200);
    assert_eq!(first.rows("SELECT DISTINCT file, dump FROM meta.files").await, 200);
    assert_eq!(first.rows("SELECT * FROM meta.files").await, 200);
    let left: Vec<_> = first.lake.list(Some(&Key::from("_cockpit"))).collect().await;
    assert!(left.is_empty(), "{left:?}");
    // The next round of a process that refines finds nothing to read and closes the books.
    let report = first.flow.round(&quiet).await.unwrap();
    assert!(report.is_success() && report.read.is_empty(), "{report:?}");
    assert_eq!(report.entries.len(), 200);
    assert_eq!(first.rows("SELECT id FROM silver.board").await, 200);
}
