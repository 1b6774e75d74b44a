use super::*;
use arrow::array::TimestampMicrosecondArray;
use arrow::array::{ArrayRef, AsArray as _, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use config::definition::with_parameters;
use config::folder;
use config::model::{ParameterDefault, ParameterValue};
use datafusion::datasource::MemTable;

/// The reference plant with this limit in its plant.toml.
fn plant(limit_c: &str) -> Plant {
    let mut texts = folder::texts(None).unwrap();
    let text = texts.get_mut("plant.toml").unwrap();
    *text = text.replace("limit_c = 50", &format!("limit_c = {limit_c}"));
    let (plant, found) = folder::read(&texts);
    assert!(found.is_empty(), "{found:?}");
    plant.unwrap()
}

/// Readings of one sensor, a second apart.
fn readings(temps_c: &[f64]) -> RecordBatch {
    let text =
        |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; temps_c.len()])) };
    let time = |at: Vec<i64>| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(at).with_timezone("UTC"))
    };
    let seconds = (0..).take(temps_c.len()).map(|second: i64| second * 1_000_000);
    RecordBatch::try_from_iter([
        ("sensor", text("s")),
        ("plant", text("p")),
        ("lane", text("1")),
        ("component", text("fan")),
        ("manufacturer", text("m")),
        ("minute_at", time(vec![0; temps_c.len()])),
        ("at", time(seconds.collect())),
        ("temp_c", Arc::new(Float64Array::from(temps_c.to_vec()))),
    ])
    .unwrap()
}

/// The readings over the limit that `gold.temperature_minute` counts.
async fn over_limit(plant: &Plant, temps_c: &[f64]) -> i64 {
    let model = &plant.models[&TableName::new("gold", "temperature_minute")];
    let limits = Limits::default();
    let session = session::empty(&limits, session::runtime(&limits).unwrap(), 1);
    let batch = readings(temps_c);
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    session::register(&session, &TableName::new("silver", "temperature"), Arc::new(table)).unwrap();
    let value = |default| match default {
        ParameterDefault::Today => panic!("the model has no parameter of type date"),
        ParameterDefault::TemperatureLimit => ParameterValue::Number(plant.temperature.limit_c),
    };
    let values = model.parameters.iter().map(|it| (it.name.clone(), value(it.default)));
    let sql = with_parameters(model, &values.collect());
    let rows = session.sql(&sql).await.unwrap().collect().await.unwrap();
    rows[0].column_by_name("readings_over_limit").unwrap().as_primitive::<Int64Type>().value(0)
}

#[tokio::test]
async fn readings_are_counted_above_the_limit_of_the_plant() {
    let temps_c = [47.4, 47.5, 47.6, 50.0, 50.1];
    for (limit, over) in [("50", 1), ("47.5", 3), ("-20", 5), ("60", 0)] {
        let plant = plant(limit);
        assert_eq!(over_limit(&plant, &temps_c).await, over, "{limit}");
    }
}
