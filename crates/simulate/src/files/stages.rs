//! The 69 columns of the routing stages.

use arrow::array::{ArrayRef, Int64Array, StringArray, StringBuilder, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use plant::sim::board::Inspection;
use plant::sim::dump_writer::Row;
use plant::sim::random::mix;
use plant::sim::world::World;
use plant::sim::write::mes::Names;
use plant::sim::write::stamp::push_stamp;
use std::sync::Arc;

/// Content of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Id,
    Batch,
    Order,
    Name,
    Surface,
    /// Start of the stage.
    Start,
    /// Position of the board in its order, plus a constant.
    Place(i64),
    /// The same number in every row.
    Same(i64),
    /// This number or 0, at random.
    Either(i64),
    /// This number, 0 or null, at random.
    Maybe(i64),
    /// An empty text.
    Empty,
    /// Null, in a text column.
    Nothing,
}

const COLUMNS: [(&str, Content); 69] = [
    ("id", Content::Id),
    ("BatchId", Content::Batch),
    ("WorkOrderId", Content::Order),
    ("PlacementOpportunities", Content::Same(0)),
    ("TerminationOpportunities", Content::Same(0)),
    ("AssemblyOpportunities", Content::Either(1)),
    ("ComponentOpportunities", Content::Same(0)),
    ("UpperLimit", Content::Same(0)),
    ("DisplayOrder", Content::Place(0)),
    ("OperationNo", Content::Place(0)),
    ("NextOperationNo", Content::Place(1)),
    ("PreviousOperationNo", Content::Place(-1)),
    ("Name", Content::Name),
    ("EstimatedTime", Content::Either(1)),
    ("OnlineInspection", Content::Same(1)),
    ("ICTStage", Content::Same(0)),
    ("ProcessCheck", Content::Same(0)),
    ("QAPercentage", Content::Either(10)),
    ("HasSA", Content::Same(0)),
    ("saValidationMethod", Content::Same(0)),
    ("Surface", Content::Surface),
    ("InspectionMode", Content::Same(0)),
    ("TrayReleasingStage", Content::Same(0)),
    ("TimeLineStartStage", Content::Same(0)),
    ("TimeLineActionMode", Content::Same(0)),
    ("TimeLineActionInstance", Content::Same(0)),
    ("AutoRejectLimit", Content::Same(0)),
    ("ReRoutingActionStage", Content::Same(0)),
    ("OfflineAction", Content::Same(0)),
    ("OfflineProcessDuration", Content::Same(0)),
    ("TimeLineDuration", Content::Same(0)),
    ("PCBStarting", Content::Same(0)),
    ("CleaningDelay", Content::Same(0)),
    ("ReRoutingStage", Content::Same(0)),
    ("AOIStage", Content::Same(0)),
    ("IsMachineTraceabilityRequired", Content::Either(1)),
    ("QaAfterRework", Content::Same(0)),
    ("CustomerSerialNumberCheck", Content::Same(0)),
    ("UsrLckOnError", Content::Same(0)),
    ("IsOptionalStage", Content::Either(1)),
    ("QASamplingMethod", Content::Maybe(1)),
    ("QASamplingValueType", Content::Maybe(2)),
    ("NoOfAllowedFailure", Content::Nothing),
    ("ReRoutingStageOnReWork", Content::Same(0)),
    ("ReRoutingMethod", Content::Same(0)),
    ("IsCheckListRequired", Content::Same(0)),
    ("OutputQuantity", Content::Same(0)),
    ("StartTime", Content::Start),
    ("EndTime", Content::Nothing),
    ("IdleTime", Content::Same(0)),
    ("DelayTime", Content::Same(0)),
    ("Started", Content::Either(1)),
    ("EcnStage", Content::Same(0)),
    ("PostedQuantity", Content::Same(0)),
    ("StageStartTime", Content::Same(0)),
    ("HaveDeviation", Content::Same(0)),
    ("IsXmlExportRequired", Content::Same(0)),
    ("XmlFilePath", Content::Nothing),
    ("IsWCQualifyReq", Content::Same(0)),
    ("IsImeiNumberRequired", Content::Same(0)),
    ("MSDDetails_Id", Content::Nothing),
    ("ReworkStationOnRework", Content::Same(0)),
    ("ReworkStationDefect", Content::Nothing),
    ("ReworkOrDebugLimit", Content::Same(0)),
    ("EDIReportRequired", Content::Same(0)),
    ("EDIReportFormat", Content::Same(0)),
    ("RecleaningAcceptLimit", Content::Nothing),
    ("Company", Content::Empty),
    ("Division", Content::Empty),
];

impl Content {
    const fn is_number(self) -> bool {
        use Content::{Either, Maybe, Place, Same, Surface};
        matches!(self, Surface | Place(_) | Same(_) | Either(_) | Maybe(_))
    }

    fn number(self, inspection: &Inspection, noise: u64) -> Option<i64> {
        match self {
            Self::Surface => Some(inspection.surface.into()),
            Self::Place(more) => Some(i64::from(inspection.place) + more),
            Self::Same(number) => Some(number),
            Self::Either(number) => Some(if noise & 1 == 0 { number } else { 0 }),
            Self::Maybe(number) => [Some(number), Some(0), None][(noise % 3) as usize],
            _ => None,
        }
    }

    fn push(self, out: &mut Vec<u8>, inspection: &Inspection, names: &Names<'_>) {
        match self {
            Self::Id => names.push_stage(out, inspection.order, inspection.stage),
            Self::Batch => names.push_batch(out, inspection),
            Self::Order => names.push_order(out, inspection.order),
            Self::Start => push_stamp(out, names.site.local_s(inspection.at_s)),
            Self::Name => push_name(out, inspection.stage),
            _ => {}
        }
    }
}

/// A unique name of twenty letters and digits.
fn push_name(out: &mut Vec<u8>, stage: u64) {
    const SIGNS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for half in [mix(stage), mix(!stage)] {
        let mut left = half;
        for _ in 0..10 {
            out.push(SIGNS[(left % 36) as usize]);
            left /= 36;
        }
    }
}

pub fn schema() -> SchemaRef {
    let field = |(name, of): &(&str, Content)| {
        let kind = if of.is_number() { DataType::Int64 } else { DataType::Utf8 };
        Field::new(*name, kind, true)
    };
    Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()))
}

/// The stages as rows of the dump.
pub fn batch(rows: &[Row<Inspection>], world: &World) -> anyhow::Result<RecordBatch> {
    let names = Names { site: &world.site, orders: &world.orders };
    let replaced: Vec<(usize, usize, &str)> = (0..)
        .zip(rows)
        .filter_map(|(number, row)| row.replaced.map(|(at, text)| (at, number, text)))
        .collect();
    let same: ArrayRef = Arc::new(Int64Array::from_value(0, rows.len()));
    let column = |(at, (_, of)): (usize, &(&str, Content))| -> ArrayRef {
        let is_replaced = replaced.iter().any(|(column, ..)| *column == at);
        match of {
            Content::Same(0) if !is_replaced => same.clone(),
            Content::Nothing if !is_replaced => new_null_array(&DataType::Utf8, rows.len()),
            _ if of.is_number() => numbers(rows, at, *of),
            _ => texts(rows, at, *of, &names),
        }
    };
    Ok(RecordBatch::try_new(schema(), COLUMNS.iter().enumerate().map(column).collect())?)
}

fn numbers(rows: &[Row<Inspection>], column: usize, of: Content) -> ArrayRef {
    let number = |row: &Row<Inspection>| match row.replaced {
        Some((at, text)) if at == column => text.parse().ok(),
        _ => of.number(&row.record, mix(row.record.stage ^ (column as u64) << 48)),
    };
    Arc::new(rows.iter().map(number).collect::<Int64Array>())
}

fn texts(rows: &[Row<Inspection>], column: usize, of: Content, names: &Names<'_>) -> ArrayRef {
    let mut out = StringBuilder::with_capacity(rows.len(), rows.len() * 24);
    let mut text = Vec::new();
    for row in rows {
        match row.replaced {
            Some((at, set)) if at == column => {
                out.append_option(Some(set).filter(|set| !set.is_empty()));
            }
            _ => {
                text.clear();
                of.push(&mut text, &row.record, names);
                out.append_value(String::from_utf8_lossy(&text));
            }
        }
    }
    let texts: StringArray = out.finish();
    Arc::new(texts)
}
