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

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Id,
    Batch,
    Order,
    Name,
    Surface,
    /// When the stage began.
    Start,
    /// The place of the board in its order, and so much more.
    Place(i64),
    /// The same number in every row.
    Same(i64),
    /// This number or 0, by chance.
    Either(i64),
    /// This number, 0 or nothing, by chance.
    Maybe(i64),
    /// A text that says nothing.
    Empty,
    /// Nothing, in a column of text.
    Nothing,
}

const COLUMNS: [(&str, Of); 69] = [
    ("id", Of::Id),
    ("BatchId", Of::Batch),
    ("WorkOrderId", Of::Order),
    ("PlacementOpportunities", Of::Same(0)),
    ("TerminationOpportunities", Of::Same(0)),
    ("AssemblyOpportunities", Of::Either(1)),
    ("ComponentOpportunities", Of::Same(0)),
    ("UpperLimit", Of::Same(0)),
    ("DisplayOrder", Of::Place(0)),
    ("OperationNo", Of::Place(0)),
    ("NextOperationNo", Of::Place(1)),
    ("PreviousOperationNo", Of::Place(-1)),
    ("Name", Of::Name),
    ("EstimatedTime", Of::Either(1)),
    ("OnlineInspection", Of::Same(1)),
    ("ICTStage", Of::Same(0)),
    ("ProcessCheck", Of::Same(0)),
    ("QAPercentage", Of::Either(10)),
    ("HasSA", Of::Same(0)),
    ("saValidationMethod", Of::Same(0)),
    ("Surface", Of::Surface),
    ("InspectionMode", Of::Same(0)),
    ("TrayReleasingStage", Of::Same(0)),
    ("TimeLineStartStage", Of::Same(0)),
    ("TimeLineActionMode", Of::Same(0)),
    ("TimeLineActionInstance", Of::Same(0)),
    ("AutoRejectLimit", Of::Same(0)),
    ("ReRoutingActionStage", Of::Same(0)),
    ("OfflineAction", Of::Same(0)),
    ("OfflineProcessDuration", Of::Same(0)),
    ("TimeLineDuration", Of::Same(0)),
    ("PCBStarting", Of::Same(0)),
    ("CleaningDelay", Of::Same(0)),
    ("ReRoutingStage", Of::Same(0)),
    ("AOIStage", Of::Same(0)),
    ("IsMachineTraceabilityRequired", Of::Either(1)),
    ("QaAfterRework", Of::Same(0)),
    ("CustomerSerialNumberCheck", Of::Same(0)),
    ("UsrLckOnError", Of::Same(0)),
    ("IsOptionalStage", Of::Either(1)),
    ("QASamplingMethod", Of::Maybe(1)),
    ("QASamplingValueType", Of::Maybe(2)),
    ("NoOfAllowedFailure", Of::Nothing),
    ("ReRoutingStageOnReWork", Of::Same(0)),
    ("ReRoutingMethod", Of::Same(0)),
    ("IsCheckListRequired", Of::Same(0)),
    ("OutputQuantity", Of::Same(0)),
    ("StartTime", Of::Start),
    ("EndTime", Of::Nothing),
    ("IdleTime", Of::Same(0)),
    ("DelayTime", Of::Same(0)),
    ("Started", Of::Either(1)),
    ("EcnStage", Of::Same(0)),
    ("PostedQuantity", Of::Same(0)),
    ("StageStartTime", Of::Same(0)),
    ("HaveDeviation", Of::Same(0)),
    ("IsXmlExportRequired", Of::Same(0)),
    ("XmlFilePath", Of::Nothing),
    ("IsWCQualifyReq", Of::Same(0)),
    ("IsImeiNumberRequired", Of::Same(0)),
    ("MSDDetails_Id", Of::Nothing),
    ("ReworkStationOnRework", Of::Same(0)),
    ("ReworkStationDefect", Of::Nothing),
    ("ReworkOrDebugLimit", Of::Same(0)),
    ("EDIReportRequired", Of::Same(0)),
    ("EDIReportFormat", Of::Same(0)),
    ("RecleaningAcceptLimit", Of::Nothing),
    ("Company", Of::Empty),
    ("Division", Of::Empty),
];

impl Of {
    const fn is_number(self) -> bool {
        use Of::{Either, Maybe, Place, Same, Surface};
        matches!(self, Surface | Place(_) | Same(_) | Either(_) | Maybe(_))
    }

    fn number(self, of: &Inspection, noise: u64) -> Option<i64> {
        match self {
            Self::Surface => Some(of.surface.into()),
            Self::Place(more) => Some(i64::from(of.place) + more),
            Self::Same(number) => Some(number),
            Self::Either(number) => Some(if noise & 1 == 0 { number } else { 0 }),
            Self::Maybe(number) => [Some(number), Some(0), None][(noise % 3) as usize],
            _ => None,
        }
    }

    fn push(self, out: &mut Vec<u8>, of: &Inspection, names: &Names<'_>) {
        match self {
            Self::Id => names.push_stage(out, of.order, of.stage),
            Self::Batch => names.push_batch(out, of),
            Self::Order => names.push_order(out, of.order),
            Self::Start => push_stamp(out, names.site.local_s(of.at_s)),
            Self::Name => push_name(out, of.stage),
            _ => {}
        }
    }
}

/// Twenty letters and digits that are nobody else's.
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
    let field = |(name, of): &(&str, Of)| {
        let kind = if of.is_number() { DataType::Int64 } else { DataType::Utf8 };
        Field::new(*name, kind, true)
    };
    Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()))
}

/// The stages as rows of the dump.
pub fn batch(rows: &[Row<Inspection>], world: &World) -> anyhow::Result<RecordBatch> {
    let names = Names { site: &world.site, orders: &world.orders };
    let dirty: Vec<(usize, usize, &str)> = (0..)
        .zip(rows)
        .filter_map(|(number, row)| row.replaced.map(|(at, text)| (at, number, text)))
        .collect();
    let same: ArrayRef = Arc::new(Int64Array::from_value(0, rows.len()));
    let column = |(at, (_, of)): (usize, &(&str, Of))| -> ArrayRef {
        let is_dirty = dirty.iter().any(|(column, ..)| *column == at);
        match of {
            Of::Same(0) if !is_dirty => same.clone(),
            Of::Nothing if !is_dirty => new_null_array(&DataType::Utf8, rows.len()),
            _ if of.is_number() => numbers(rows, at, *of),
            _ => texts(rows, at, *of, &names),
        }
    };
    Ok(RecordBatch::try_new(schema(), COLUMNS.iter().enumerate().map(column).collect())?)
}

fn numbers(rows: &[Row<Inspection>], column: usize, of: Of) -> ArrayRef {
    let number = |row: &Row<Inspection>| match row.replaced {
        Some((at, text)) if at == column => text.parse().ok(),
        _ => of.number(&row.record, mix(row.record.stage ^ (column as u64) << 48)),
    };
    Arc::new(rows.iter().map(number).collect::<Int64Array>())
}

fn texts(rows: &[Row<Inspection>], column: usize, of: Of, names: &Names<'_>) -> ArrayRef {
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
