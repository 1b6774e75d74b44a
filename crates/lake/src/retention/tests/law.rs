//! Property: figures do not depend on what has expired.

use crate::rejected;
use crate::retention::tests::REJECTED;
use crate::retention::tests::works::{
    KEPT_DAYS, Reading, Works, advance, begin, bronze_kept, silver_kept, texts,
};
use proptest::prelude::*;

/// An event in the life of a lake.
#[derive(Debug, Clone)]
enum Event {
    /// Days pass.
    Wait(i64),
    /// Messages arrive: hours since each was taken, and its temperature.
    Send(Vec<(i64, i64)>),
    Refine,
    Expire,
    Compact,
    Rebuild,
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    let message = (0..=KEPT_DAYS * 24, 0..4_i64);
    prop_oneof![
        3 => (0..5_i64).prop_map(Event::Wait),
        4 => prop::collection::vec(message, 1..6).prop_map(Event::Send),
        2 => Just(Event::Refine),
        3 => Just(Event::Expire),
        1 => Just(Event::Compact),
        1 => Just(Event::Rebuild),
        1 => Just(Event::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// As long as no message is older than the retention, every figure equals that of a lake without
    /// retention, whenever rows expire; and each row exists or is recorded as expired.
    #[test]
    fn no_figure_depends_on_what_has_expired(events in prop::collection::vec(event(), 4..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            begin();
            let short = bronze_kept(silver_kept(texts(), KEPT_DAYS), 3);
            let (mut short, mut whole) = (Works::new(&short).await, Works::new(&texts()).await);
            for event in events {
                for works in [&mut short, &mut whole] {
                    happen(works, &event).await;
                }
                if let Event::Wait(days) = event {
                    advance(days);
                }
            }
            for works in [&mut short, &mut whole] {
                works.send(&[(0, 0, 9)]).await;
                works.refine().await;
                works.assert_balanced().await;
            }
            prop_assert_eq!(short.gold().await, whole.gold().await);
            let rows = short.count("silver.reading").await + short.expired().await;
            prop_assert_eq!(rows, whole.count("silver.reading").await);
            prop_assert_eq!(rejected(&short).await, rejected(&whole).await);
            Ok(())
        })?;
    }
}

async fn rejected(works: &Works) -> Vec<String> {
    match works.context.lake.state(&rejected::name()).await.unwrap() {
        Some(_) => works.query(REJECTED).await,
        None => Vec::new(),
    }
}

async fn happen(works: &mut Works, event: &Event) {
    match event {
        Event::Wait(_) => {}
        Event::Send(readings) => {
            let readings: Vec<Reading> =
                readings.iter().map(|(hours, temp_c)| (*hours, 0, *temp_c)).collect();
            works.send(&readings).await;
            // The program reconciles every minute.
            works.assert_balanced().await;
        }
        Event::Refine => works.refine().await,
        Event::Expire => works.expire().await,
        Event::Compact => works.compact().await,
        Event::Rebuild => works.rebuild().await,
        Event::Restart => works.restart().await,
    }
}
