//! What an answer holds: how many records, and how far they reach.

use crate::Error;
use crate::files::{self, Fetched};
use arrow::array::AsArray as _;
use batches::batch::Batch;
use config::settings::Limits;
use plant::contract::{Contract, Kind};
use plant::format::{TimeFormat, parse_time};
use plant::http_source::{Order, Position};
use plant::zone::ZoneTable;
use std::sync::Arc;

/// Batches between the decoder and the count.
const BATCHES_BETWEEN: usize = 2;

/// The column that an increment follows, and how its values are compared.
#[derive(Debug)]
pub(super) struct Ruler {
    index: usize,
    scale: Scale,
}

#[derive(Debug)]
enum Scale {
    Time(Vec<TimeFormat>, Box<ZoneTable>),
    Number,
    Text,
}

/// What an answer holds.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub records: u64,
    /// The last position of a record that is not after the limit.
    pub last: Option<Position>,
    /// Records with a position after the limit.
    pub ahead: u64,
}

impl Ruler {
    /// The ruler of a column; `None` if the contract lacks it.
    pub fn new(contract: &Contract, column: &str) -> Option<Self> {
        let index = contract.columns.iter().position(|it| it.name == column)?;
        let scale = match &contract.columns[index].kind {
            Kind::Time { formats, zone, .. } => {
                Scale::Time(formats.clone(), Box::new(ZoneTable::new(*zone)))
            }
            Kind::Int { .. } | Kind::Decimal { .. } | Kind::Float { .. } => Scale::Number,
            _ => Scale::Text,
        };
        Some(Self { index, scale })
    }

    /// The position of a text; `None` if it is none.
    pub fn position(&self, text: &str) -> Option<Position> {
        let text = text.trim();
        let order = match &self.scale {
            _ if text.is_empty() => return None,
            Scale::Time(formats, zone) => Order::Time(parse_time(text, formats, zone).ok()?),
            Scale::Number => Order::Number(text.parse().ok().filter(|it: &f64| it.is_finite())?),
            Scale::Text => Order::Text,
        };
        Some(Position { order, text: text.to_owned() })
    }

    /// Takes the positions of a batch into account. Times after `latest_us` are counted and not used.
    fn measure(&self, batch: &Batch, latest_us: i64, content: &mut Content) {
        let Some(texts) = batch.fields.get(self.index) else { return };
        for text in texts.as_string::<i32>().iter().flatten() {
            let Some(position) = self.position(text) else { continue };
            if matches!(position.order, Order::Time(at_us) if at_us > latest_us) {
                content.ahead += 1;
            } else if content.last.as_ref().is_none_or(|last| position.is_after(last)) {
                content.last = Some(position);
            }
        }
    }
}

/// Counts the records of an answer and measures them.
pub(super) async fn scan(
    answer: Fetched,
    contract: Arc<Contract>,
    limits: Arc<Limits>,
    ruler: Option<&Ruler>,
    latest_us: i64,
) -> Result<Content, Error> {
    let (out, mut batches) = tokio::sync::mpsc::channel::<Batch>(BATCHES_BETWEEN);
    let decoding =
        tokio::task::spawn_blocking(move || files::decode(answer, &contract, &limits, &out));
    let mut content = Content::default();
    while let Some(batch) = batches.recv().await {
        content.records += batch.len() as u64;
        if let Some(ruler) = ruler {
            ruler.measure(&batch, latest_us, &mut content);
        }
    }
    decoding.await.map_err(|error| Error::Storage(error.into()))??;
    Ok(content)
}
