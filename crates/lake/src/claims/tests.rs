use super::*;
use chrono::{DateTime, Utc};
use config::location::{self, Purpose};
use config::settings::Limits;
use std::fs::File;
use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "signs of life are written now")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn lake(folder: &Path, run: &str) -> Lake {
    let place = location::open(folder.to_str().unwrap(), Purpose::Write).unwrap();
    Lake::new(place, Limits::default(), run, now)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn take(claims: &Claims, wanted: &[&str]) -> Vec<String> {
    let mut taken: Vec<String> = claims.take(names(wanted)).await.unwrap().into_iter().collect();
    taken.sort();
    taken
}

#[tokio::test]
async fn a_dump_is_claimed_once_until_it_is_released() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (lake(folder.path(), "one"), lake(folder.path(), "two"));
    let (one, two) = (Claims::new(&one), Claims::new(&two));
    assert_eq!(take(&one, &["a", "b"]).await, ["a", "b"]);
    assert_eq!(take(&two, &["a", "b", "c"]).await, ["c"]);
    one.release(names(&["a"]).into_iter()).await.unwrap();
    assert_eq!(take(&two, &["a", "b"]).await, ["a"]);
}

/// The file of the process and its claims are one inode; they are released separately.
#[cfg(unix)]
#[tokio::test]
async fn claims_in_a_folder_are_links() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (lake(folder.path(), "one"), lake(folder.path(), "two"));
    let (one, two) = (Claims::new(&one), Claims::new(&two));
    one.renew().await.unwrap();
    assert_eq!(take(&one, &["a", "b"]).await, ["a", "b"]);
    let inode = |key: Key| std::fs::metadata(folder.path().join(key.as_ref())).unwrap().ino();
    assert_eq!(inode(claim_key("a")), inode(one.own_key()));
    assert!(take(&two, &["a"]).await.is_empty());
    one.release(names(&["a"]).into_iter()).await.unwrap();
    assert_eq!(one.all().await.unwrap(), HashSet::from(["b".to_owned()]));
    two.delete_claims(&one.own_run()).await.unwrap();
    assert!(one.all().await.unwrap().is_empty());
}

#[tokio::test]
async fn claims_of_older_versions_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let two = Claims::new(&lake(folder.path(), "two"));
    let claim = object_store::PutPayload::from_static(b"one");
    two.store.put(&claim_key("a"), claim).await.unwrap();
    two.delete_claims(&BTreeSet::from(["two".to_owned()])).await.unwrap();
    assert_eq!(two.all().await.unwrap(), HashSet::from(["a".to_owned()]));
    two.delete_claims(&BTreeSet::from(["one".to_owned()])).await.unwrap();
    assert!(two.all().await.unwrap().is_empty());
}

#[tokio::test]
async fn claims_of_a_process_that_no_longer_exists_are_deleted_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (lake(folder.path(), "one"), lake(folder.path(), "two"));
    let (mut one, two) = (Claims::new(&one), Claims::new(&two));
    // No process has this number.
    one.holder.pid = u32::MAX;
    one.renew().await.unwrap();
    take(&one, &["a"]).await;
    take(&two, &["b"]).await;
    let dead: Vec<String> = two.sweep().await.unwrap().into_iter().map(|it| it.run).collect();
    assert_eq!(dead, ["one"]);
    assert_eq!(two.all().await.unwrap(), HashSet::from(["b".to_owned()]));
    assert!(two.list(LANDERS).await.unwrap().is_empty());
}

/// A process of another machine, which cannot be checked.
#[tokio::test]
async fn claims_that_are_not_renewed_end_after_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (lake(folder.path(), "one"), lake(folder.path(), "two"));
    let (mut one, two) = (Claims::new(&one), Claims::new(&two));
    one.holder.machine = "another".to_owned();
    one.renew().await.unwrap();
    take(&one, &["a"]).await;
    let renewed_before = |age_s: u64| {
        let file =
            File::options().append(true).open(folder.path().join("_cockpit/landers/one.json"));
        let file = file.unwrap();
        let at = std::time::SystemTime::from(now()) - Duration::from_secs(age_s);
        file.set_modified(at).unwrap();
    };
    let sweep = async || {
        two.hold(async {
            assert!(two.sweep().await?.is_empty(), "it may live");
            Ok(two.all().await?.len())
        })
        .await
        .unwrap()
    };
    renewed_before(20);
    assert_eq!(sweep().await, 1);
    renewed_before(40);
    assert_eq!(sweep().await, 0);
}

#[tokio::test]
async fn claims_of_failed_work_are_released() {
    let folder = tempfile::tempdir().unwrap();
    let one = lake(folder.path(), "one");
    let claims = Claims::new(&one);
    let failed: anyhow::Result<()> = claims
        .hold(async {
            take(&claims, &["a"]).await;
            anyhow::bail!("failed")
        })
        .await;
    assert!(failed.is_err());
    assert!(claims.all().await.unwrap().is_empty());
    assert!(!has_others(&one).await.unwrap());
}

/// The work of a process was cancelled, and the process works on.
#[tokio::test]
async fn own_claims_of_cancelled_work_do_not_hinder() {
    let folder = tempfile::tempdir().unwrap();
    let one = lake(folder.path(), "one");
    let claims = Claims::new(&one);
    claims.renew().await.unwrap();
    take(&claims, &["a"]).await;
    let taken = claims.hold(async { Ok(take(&claims, &["a"]).await) }).await.unwrap();
    assert_eq!(taken, ["a"]);
}
