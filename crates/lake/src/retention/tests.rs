//! What expires, what stays, and what is told of it.

mod law;
mod works;

use works::{GOLD, Said, Works, advance, bronze_kept, gold, silver_kept, texts};

const REJECTED: &str = "SELECT reason, column_name, _offset FROM silver.rejected";

/// Readings of forty days, one a day, and one that is impossible.
const FORTY_DAYS: [Said; 5] =
    [(40 * 24, 40, 20), (35 * 24, 35, 30), (34 * 24, 34, 400), (20 * 24, 20, 40), (24, 1, 50)];

#[tokio::test]
async fn what_was_made_of_rows_stays_when_they_expire() {
    let mut works = Works::new(&texts()).await;
    works.say(&FORTY_DAYS).await;
    works.refine().await;
    let told = works.gold().await;
    works.books_close().await;
    let short = bronze_kept(silver_kept(texts(), 30), 30);
    works.again(&short).await;
    works.expire().await;
    assert_eq!(works.count("silver.reading").await, 4, "rows that have just come stay");
    advance(1);
    works.expire().await;
    assert_eq!(
        [works.count("bronze.temperature").await, works.count("silver.reading").await],
        [2; 2]
    );
    assert_eq!(works.expired().await, 2);
    works.refine().await;
    assert_eq!(works.gold().await, told);
    works.rebuild().await;
    assert_eq!(works.gold().await, told);
    assert_eq!(
        [works.count("bronze.temperature").await, works.count("silver.reading").await],
        [2; 2]
    );
    assert_eq!(works.count("silver.rejected").await, 1, "its message is gone, its fate is told");
}

#[tokio::test]
async fn a_message_for_a_day_that_is_gone_is_rejected() {
    let mut works = Works::new(&silver_kept(texts(), 60)).await;
    works.say(&FORTY_DAYS).await;
    works.refine().await;
    let told = works.gold().await;
    works.again(&silver_kept(texts(), 30)).await;
    works.say(&[(40 * 24, 0, 21)]).await;
    advance(1);
    works.refine().await;
    works.expire().await;
    works.books_close().await;
    // A longer span brings back nothing, and so lets nothing in beside it.
    works.again(&silver_kept(texts(), 60)).await;
    works.say(&[(41 * 24, 0, 22), (41 * 24, 0, 22), (2, 0, 23)]).await;
    works.refine().await;
    works.books_close().await;
    let late = works.ask(REJECTED).await;
    assert_eq!(late, ["duplicate  7", "expectation  2", "too_late at 5", "too_late at 6"]);
    let gold = works.gold().await;
    assert_eq!(gold["by_hour"].len(), told["by_hour"].len() + 1);
    assert!(told["by_hour"].iter().all(|row| gold["by_hour"].contains(row)));
    let rejected = works.ask("SELECT * FROM silver.rejected").await.len();
    works.rebuild().await;
    assert_eq!(works.ask(REJECTED).await, late);
    assert_eq!(works.ask("SELECT * FROM silver.rejected").await.len(), rejected);
    assert_eq!(works.gold().await, gold);
}

#[tokio::test]
async fn a_table_defined_anew_keeps_the_periods_whose_rows_are_gone() {
    let mut works = Works::new(&texts()).await;
    works.say(&FORTY_DAYS).await;
    works.refine().await;
    let told = works.gold().await;
    advance(1);
    works.again(&silver_kept(texts(), 30)).await;
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
    works.again(&other).await;
    works.refine().await;
    assert_eq!(works.gold().await, told);
    let least = works.ask("SELECT temp_c_min, temp_c_max FROM gold.by_hour").await;
    assert_eq!(least, [" 20.0", " 30.0", "40.0 40.0", "50.0 50.0"]);
    assert_eq!(works.count("silver.reading").await, 2);
}

#[tokio::test]
async fn silver_outlives_the_messages_it_was_made_of() {
    let mut works = Works::new(&bronze_kept(texts(), 10)).await;
    works.say(&FORTY_DAYS).await;
    works.refine().await;
    works.books_close().await;
    let told = works.gold().await;
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
    assert_eq!(works.gold().await, told);
    advance(20);
    works.expire().await;
    assert_eq!(works.count("bronze.temperature").await, 0);
    // Nothing is left of the partition, and it goes on where it was.
    works.say(&[(1, 0, 60), (22 * 24, 0, 50)]).await;
    let last = works.ask("SELECT _offset FROM bronze.temperature").await;
    assert_eq!(last, ["5", "6"]);
    works.rebuild().await;
    assert_eq!(works.count("silver.reading").await, 5, "what repeats a row is still known");
    works.books_close().await;
}

#[tokio::test]
async fn rows_that_are_not_refined_or_not_in_the_books_wait() {
    let mut works = Works::new(&silver_kept(texts(), 60)).await;
    works.say(&FORTY_DAYS).await;
    works.again(&silver_kept(texts(), 30)).await;
    advance(1);
    works.expire().await;
    assert_eq!(works.count("silver.reading").await, 4, "no table is made of them yet");
    works.refine().await;
    works.expire().await;
    assert_eq!(works.count("silver.reading").await, 2);
    assert_eq!(works.gold().await["by_hour"].len(), 4);
}

#[tokio::test]
async fn messages_land_while_rows_expire() {
    let mut works = Works::new(&texts()).await;
    works.say(&FORTY_DAYS).await;
    works.refine().await;
    works.again(&bronze_kept(silver_kept(texts(), 30), 30)).await;
    advance(1);
    let lander = works.take(&[(1, 0, 60), (2, 0, 400)]).await;
    works.expire().await;
    works.commit(lander).await;
    assert_eq!(
        [works.count("bronze.temperature").await, works.count("silver.reading").await],
        [4, 3]
    );
    works.books_close().await;
}
