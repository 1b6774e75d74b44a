//! The columns record the item dump and record the cycle times.

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use plant::sim::dump::date;
use plant::sim::dump_writer::Row;
use plant::sim::random::mix;
use plant::sim::site::FAMILIES;
use plant::sim::stock::{BOMS, DISC_GROUPS, MaterialRecord, POSTING_GROUPS};
use plant::sim::world::World;
use std::borrow::Cow;
use std::sync::Arc;

/// Number record columns record the item dump, all text, named `column00` and so on.
const MATERIAL_COLUMNS: usize = 25;

pub fn materials_schema() -> SchemaRef {
    let field = |number| Field::new(format!("column{number:02}"), DataType::Utf8, true);
    Arc::new(Schema::new((0..MATERIAL_COLUMNS).map(field).collect::<Vec<_>>()))
}

pub fn materials(rows: &[Row<MaterialRecord>], world: &World) -> anyhow::Result<RecordBatch> {
    let column = |at: usize| -> ArrayRef {
        let texts = rows.iter().enumerate().map(|(number, row)| match row.replaced {
            Some((set, text)) if set == at => Some(Cow::Borrowed(text)).filter(|it| !it.is_empty()),
            _ => material(at, number, &row.record, world),
        });
        Arc::new(texts.collect::<StringArray>())
    };
    Ok(RecordBatch::try_new(materials_schema(), (0..MATERIAL_COLUMNS).map(column).collect())?)
}

/// The text record a column record a record.
fn material<'a>(
    column: usize,
    number: usize,
    record: &MaterialRecord,
    world: &'a World,
) -> Option<Cow<'a, str>> {
    let about = &world.site.materials[usize::from(record.material)];
    let noise = mix(number as u64);
    let plain = |text: &'a str| Some(Cow::Borrowed(text));
    let digits = |number: u64| Some(Cow::Owned(number.to_string()));
    match column {
        0 => plain(&about.no),
        1 | 4 => None,
        2 | 3 => Some(record.description(about.description)),
        5 => plain(if about.is_counted { "EA" } else { "L" }),
        6 => plain("120"),
        7 => plain("0"),
        8 => plain(POSTING_GROUPS[usize::from(record.posting)]),
        9 => Some(Cow::Owned(format!("S{:03}", 1 + noise % 10))),
        10 => plain(DISC_GROUPS[usize::from(record.disc)]),
        11 => plain("1"),
        12 => plain("G1"),
        13 => plain("C1"),
        14 => record.unit_price.and_then(|price| digits(price.into())),
        15 => record.unit_price.and_then(|price| digits(u64::from(price) + 50)),
        16 => plain("50"),
        17 => plain("UC"),
        18 | 19 => digits(record.unit_cost.into()),
        20 => digits(1 + (noise >> 8) % 60),
        21 => digits(1 + (noise >> 16) % 60),
        22 => plain(if noise & (1 << 24) == 0 { "USD" } else { "INR" }),
        23 => digits(75 + (noise >> 32) % 26),
        _ => record.bom.and_then(|bom| plain(BOMS[usize::from(bom)])),
    }
}

pub fn cycle_times_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("ItemId", DataType::Utf8, true),
        Field::new("WorkCenter", DataType::Utf8, true),
        Field::new("IdealCycleMs", DataType::Int64, true),
        Field::new("ValidFrom", DataType::Utf8, true),
    ]))
}

pub fn cycle_times(rows: &[Row<u16>], world: &World) -> anyhow::Result<RecordBatch> {
    let valid_from = date(world.first_day - 365).to_string();
    let item = |row: &Row<u16>| &world.site.items[usize::from(row.record)];
    let ids = rows.iter().map(|row| match row.replaced {
        Some((0, _)) => None,
        _ => Some(item(row).id.as_str()),
    });
    let times = rows.iter().map(|row| match row.replaced {
        Some((2, text)) => text.parse().ok(),
        _ => Some(i64::from(item(row).ideal_cycle_ms)),
    });
    let columns: Vec<ArrayRef> = vec![
        Arc::new(ids.collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(FAMILIES[item(row).family])).collect::<StringArray>()),
        Arc::new(times.collect::<Int64Array>()),
        Arc::new(StringArray::from(vec![valid_from.as_str(); rows.len()])),
    ];
    Ok(RecordBatch::try_new(cycle_times_schema(), columns)?)
}
