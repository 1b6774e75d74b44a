//! Which rows expire, which stay, and what is recorded about them.

mod law;
mod works;

use works::{GOLD, Reading, Works, advance, bronze_kept, gold, silver_kept, texts};

const REJECTED: &str = "SELECT reason, column_name, _offset FROM silver.rejected";

/// Readings of forty days, one a day, and one that is impossible.
const FORTY_DAYS: [Reading; 5] =
    [(40 * 24, 40, 20), (35 * 24, 35, 30), (34 * 24, 34, 400), (20 * 24, 20, 40), (24, 1, 50)];

#[tokio::test]
async fn derived_figures_stay_when_their_rows_expire() {
    let mut works = Works::new(&texts()).await;
    works.send(&FORTY_DAYS).await;
    works.refine().await;
    let before = works.gold().await;
    works.assert_balanced().await;
    let short = bronze_kept(silver_kept(texts(), 30), 30);
    works.reopen(&short).await;
    works.expire().await;
    assert_eq!(works.count("silver.reading").await, 4, "rows that have just landed stay");
    advance(1);
    works.expire().await;
    assert_eq!(
        [works.count("bronze.temperature").await, works.count("silver.reading").await],
        [2; 2]
    );
    assert_eq!(works.expired().await, 2);
    works.refine().await;
    assert_eq!(works.gold().await, before);
    works.rebuild().await;
    assert_eq!(works.gold().await, before);
    assert_eq!(
        [works.count("bronze.temperature").await, works.count("silver.reading").await],
        [2; 2]
    );
    assert_eq!(
        works.count("silver.rejected").await,
        1,
        "its message has expired, but not its rejected row"
    );
}

#[tokio::test]
async fn a_message_for_an_expired_day_is_rejected() {
    let mut works = Works::new(&silver_kept(texts(), 60)).await;
    works.send(&FORTY_DAYS).await;
    works.refine().await;
    let before = works.gold().await;
    works.reopen(&silver_kept(texts(), 30)).await;
    works.send(&[(40 * 24, 0, 21)]).await;
    advance(1);
    works.refine().await;
    works.expire().await;
    works.assert_balanced().await;
    // A longer retention restores nothing, so messages for expired days stay rejected.
    works.reopen(&silver_kept(texts(), 60)).await;
    works.send(&[(41 * 24, 0, 22), (41 * 24, 0, 22), (2, 0, 23)]).await;
    works.refine().await;
    works.assert_balanced().await;
    let late = works.query(REJECTED).await;
    assert_eq!(late, ["duplicate  7", "expectation  2", "too_late at 5", "too_late at 6"]);
    let gold = works.gold().await;
    assert_eq!(gold["by_hour"].len(), before["by_hour"].len() + 1);
    assert!(before["by_hour"].iter().all(|row| gold["by_hour"].contains(row)));
    let rejected = works.query("SELECT * FROM silver.rejected").await.len();
    works.rebuild().await;
    assert_eq!(works.query(REJECTED).await, late);
    assert_eq!(works.query("SELECT * FROM silver.rejected").await.len(), rejected);
    assert_eq!(works.gold().await, gold);
}

#[tokio::test]
async fn a_redefined_table_keeps_the_periods_whose_rows_have_expired() {
    let mut works = Works::new(&texts()).await;
    works.send(&FORTY_DAYS).await;
    works.refine().await;
    let before = works.gold().await;
    advance(1);
    works.reopen(&silver_kept(texts(), 30)).await;
    works.refine().await;
    works.expire().await;
    let mut other = silver_kept(texts(), 30);
    for (name, period) in GOLD {
        let sql = gold(period)
            .replace(
                "-- column readings",
                "-- column temp_c_min [degC]: The least.\n-- column readings",
            )
            .replace("count(*)", "min(temp_c) AS temp_c_min, count(*)");
        other.insert(format!("gold/{name}.sql"), sql);
    }
    let silver = other["silver/reading.sql"].replace("temp_c < 100", "temp_c < 99");
    other.insert("silver/reading.sql".to_owned(), silver);
    works.reopen(&other).await;
    works.refine().await;
    assert_eq!(works.gold().await, before);
    let least = works.query("SELECT temp_c_min, temp_c_max FROM gold.by_hour").await;
    assert_eq!(least, [" 20.0", " 30.0", "40.0 40.0", "50.0 50.0"]);
    assert_eq!(works.count("silver.reading").await, 2);
}

#[tokio::test]
async fn silver_rows_outlive_their_messages() {
    let mut works = Works::new(&bronze_kept(texts(), 10)).await;
    works.send(&FORTY_DAYS).await;
    works.refine().await;
    works.assert_balanced().await;
    let before = works.gold().await;
    advance(1);
    works.expire().await;
    assert_eq!(
        [works.count("bronze.temperature").await, works.count("silver.reading").await],
        [1, 4]
    );
    works.rebuild().await;
    assert_eq!(
        [works.count("bronze.temperature").await, works.count("silver.reading").await],
        [1, 4]
    );
    assert_eq!(works.count("silver.rejected").await, 1);
    assert_eq!(works.gold().await, before);
    advance(20);
    works.expire().await;
    assert_eq!(works.count("bronze.temperature").await, 0);
    // No message of the partition is left, and its offsets continue.
    works.send(&[(1, 0, 60), (22 * 24, 0, 50)]).await;
    let last = works.query("SELECT _offset FROM bronze.temperature").await;
    assert_eq!(last, ["5", "6"]);
    works.rebuild().await;
    assert_eq!(works.count("silver.reading").await, 5, "duplicates of a row are still detected");
    works.assert_balanced().await;
}

#[tokio::test]
async fn rows_that_are_not_refined_do_not_expire() {
    let mut works = Works::new(&silver_kept(texts(), 60)).await;
    works.send(&FORTY_DAYS).await;
    works.reopen(&silver_kept(texts(), 30)).await;
    advance(1);
    works.expire().await;
    assert_eq!(works.count("silver.reading").await, 4, "no table contains them yet");
    works.refine().await;
    works.expire().await;
    assert_eq!(works.count("silver.reading").await, 2);
    assert_eq!(works.gold().await["by_hour"].len(), 4);
}

#[tokio::test]
async fn messages_land_while_rows_expire() {
    let mut works = Works::new(&texts()).await;
    works.send(&FORTY_DAYS).await;
    works.refine().await;
    works.reopen(&bronze_kept(silver_kept(texts(), 30), 30)).await;
    advance(1);
    let lander = works.write(&[(1, 0, 60), (2, 0, 400)]).await;
    works.expire().await;
    works.commit(lander).await;
    assert_eq!(
        [works.count("bronze.temperature").await, works.count("silver.reading").await],
        [4, 3]
    );
    works.assert_balanced().await;
}
