//! How each kind of fault is injected into each dump, and its expected outcome.

use super::{FaultKind, Outcome};
use crate::sim::dump::Dump;

/// An edit of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Replaces the text of a field.
    Set(usize, &'static str),
    /// Sets the text of an empty field.
    Fill(usize, &'static str),
    /// Appends text to a field.
    Append(usize, &'static str),
    /// Adds space around a field.
    Pad(usize),
    /// Opens a quote in a field without closing it.
    OpenQuote(usize),
    /// Adds an invalid byte to a field.
    BadByte(usize),
    /// Swaps day and month of a field.
    SwapDayMonth(usize),
    /// Writes a date as an Excel serial number.
    Excel(usize),
    /// Replaces a time by a local time that does not exist.
    Gap(usize),
    /// Makes the second time earlier than the first.
    Backwards(usize, usize),
    /// Makes a time some seconds earlier.
    Earlier(usize),
    /// Replaces a text in the record.
    Replace(&'static str, &'static str),
    /// Cuts the record.
    Cut,
    /// Adds a field.
    Extra(&'static str),
    /// Writes the record twice.
    Twice,
    /// Writes the record with another text in a field, then unchanged.
    Before(usize, &'static str),
    /// Writes the record to the next dump.
    Tomorrow,
    /// Writes the header before the record.
    Header,
    /// Writes an empty line before the record.
    Blank,
}

/// A kind of fault in one dump.
#[derive(Debug, PartialEq, Eq)]
pub struct Recipe {
    pub dump: Dump,
    pub kind: FaultKind,
    pub edit: Edit,
    pub outcome: Outcome,
}

/// The recipes of a dump.
pub(super) fn for_dump(dump: Dump) -> impl Iterator<Item = &'static Recipe> {
    RECIPES.iter().filter(move |recipe| recipe.dump == dump)
}

const UNKNOWN: Outcome = Outcome::Repaired("unknown");
const TRIMMED: Outcome = Outcome::Repaired("the text without space around it");
const CUT: Outcome = Outcome::Repaired("the state before ends where this one begins");
const DAY: Outcome = Outcome::Repaired("the day");

const fn rejected(column: &'static str, reason: &'static str) -> Outcome {
    Outcome::Rejected { column, reason, rule: "" }
}

const fn expectation(rule: &'static str) -> Outcome {
    Outcome::Rejected { column: "", reason: "expectation", rule }
}

const fn recipe(dump: Dump, kind: FaultKind, edit: Edit, outcome: Outcome) -> Recipe {
    Recipe { dump, kind, edit, outcome }
}

use Dump::{
    Bom, CycleTimes, Items, MachineEvents, Materials, Plans, Quality, Results, RoutingStages,
    Warehouse, WorkOrders,
};
use Edit::{
    Append, Backwards, BadByte, Before, Blank, Cut, Earlier, Excel, Extra, Fill, Gap, Header,
    OpenQuote, Pad, Replace, Set, SwapDayMonth, Tomorrow, Twice,
};
use FaultKind::{
    AbsurdQuantity, BlankLine, BrokenJson, BrokenQuote, BrokenToken, ClockChange, ClockSetBack,
    Correction, DecimalComma, Duplicate, ExcelSerial, ExtraField, ImpossibleTime, InvalidText,
    LateRecord, MissingValue, NegativeQuantity, NotANumber, NullSpelling, OverlappingStates,
    Padding, RepeatedHeader, ShortLine, SwappedDayMonth, UnknownWord, UnreadableExtra,
};
use Outcome::{Kept, Superseded, Undetected};

/// The outcome of swapped days and months applies if the result is a valid date; otherwise the
/// record is rejected.
#[rustfmt::skip]
const RECIPES: &[Recipe] = &[
    recipe(Plans, NullSpelling, Fill(13, "_RARE_"), UNKNOWN),
    recipe(Plans, NullSpelling, Set(7, "None"), UNKNOWN),
    recipe(Plans, Padding, Pad(1), TRIMMED),
    recipe(Plans, BlankLine, Blank, Kept),
    recipe(Plans, Duplicate, Twice, Superseded),
    recipe(Plans, Correction, Before(6, "1"), Superseded),
    recipe(Plans, LateRecord, Tomorrow, Kept),
    recipe(Plans, RepeatedHeader, Header, rejected("", "repeated_header")),
    recipe(Plans, ShortLine, Cut, rejected("", "too_few_fields")),
    recipe(Plans, ExtraField, Extra("more"), rejected("", "too_many_fields")),
    recipe(Plans, InvalidText, BadByte(3), rejected("", "invalid_text")),
    recipe(Plans, MissingValue, Set(0, ""), rejected("id", "missing")),
    recipe(Plans, MissingValue, Set(12, "_RARE_"), rejected("work_order_id", "missing")),
    recipe(Plans, NotANumber, Set(6, "many"), rejected("quantity", "not_a_number")),
    recipe(Plans, DecimalComma, Append(6, ",5"), rejected("quantity", "not_a_number")),
    recipe(Plans, NegativeQuantity, Set(6, "-5"), expectation("quantity_not_negative")),
    recipe(Plans, AbsurdQuantity, Set(6, "99999999"), expectation("quantity_plausible")),
    recipe(Plans, ImpossibleTime, Set(5, "1900-01-01 24:30:00"), rejected("hour", "not_a_time")),
    recipe(Plans, ImpossibleTime, Set(2, "2022-02-30"), rejected("date", "not_a_time")),
    recipe(Plans, SwappedDayMonth, SwapDayMonth(2), Undetected),

    recipe(WorkOrders, NullSpelling, Fill(16, "NULL"), UNKNOWN),
    recipe(WorkOrders, NullSpelling, Fill(31, "null"), UNKNOWN),
    recipe(WorkOrders, Padding, Pad(1), TRIMMED),
    recipe(WorkOrders, Duplicate, Twice, Superseded),
    recipe(WorkOrders, Correction, Before(4, "1"), Superseded),
    recipe(WorkOrders, RepeatedHeader, Header, rejected("line_no", "not_a_number")),
    recipe(WorkOrders, ShortLine, Cut, rejected("", "too_few_fields")),
    recipe(WorkOrders, ExtraField, Extra("more"), rejected("", "too_many_fields")),
    recipe(WorkOrders, InvalidText, BadByte(3), rejected("", "invalid_text")),
    recipe(WorkOrders, MissingValue, Set(0, ""), rejected("id", "missing")),
    recipe(WorkOrders, NotANumber, Set(2, "ten"), rejected("line_no", "not_a_number")),
    recipe(WorkOrders, DecimalComma, Append(4, ",0"), rejected("quantity", "not_a_number")),
    recipe(WorkOrders, NegativeQuantity, Set(4, "-194"), expectation("quantity_not_negative")),
    recipe(WorkOrders, AbsurdQuantity, Set(4, "99999999"), expectation("quantity_plausible")),
    recipe(WorkOrders, ImpossibleTime, Set(6, "31-02-2022 09:00:00"), rejected("start_date", "not_a_time")),
    recipe(WorkOrders, SwappedDayMonth, SwapDayMonth(6), Undetected),

    recipe(Results, NullSpelling, Fill(12, "None"), UNKNOWN),
    recipe(Results, NullSpelling, Fill(1, "NULL"), UNKNOWN),
    recipe(Results, NullSpelling, Fill(19, "_RARE_"), UNKNOWN),
    recipe(Results, Padding, Pad(15), TRIMMED),
    recipe(Results, BlankLine, Blank, Kept),
    recipe(Results, Duplicate, Twice, Superseded),
    recipe(Results, Correction, Before(1, "2"), Superseded),
    recipe(Results, LateRecord, Tomorrow, Kept),
    recipe(Results, RepeatedHeader, Header, rejected("id", "not_a_number")),
    recipe(Results, ShortLine, Cut, rejected("", "too_few_fields")),
    recipe(Results, ExtraField, Extra("more"), rejected("", "too_many_fields")),
    recipe(Results, BrokenQuote, OpenQuote(7), rejected("", "broken_quote")),
    recipe(Results, InvalidText, BadByte(7), rejected("", "invalid_text")),
    recipe(Results, MissingValue, Set(2, "None"), rejected("board_id", "missing")),
    recipe(Results, NotANumber, Set(0, "x1"), rejected("id", "not_a_number")),
    recipe(Results, ImpossibleTime, Set(9, "2022-02-30 10:00:00"), rejected("inspection_date", "not_a_time")),
    recipe(Results, ClockChange, Gap(9), rejected("inspection_date", "no_such_time")),

    recipe(RoutingStages, NullSpelling, Set(67, "_RARE_"), UNKNOWN),
    recipe(RoutingStages, Duplicate, Twice, Superseded),
    recipe(RoutingStages, Correction, Before(20, "2"), Superseded),
    recipe(RoutingStages, MissingValue, Set(0, ""), rejected("id", "missing")),
    recipe(RoutingStages, MissingValue, Set(20, ""), rejected("surface", "missing")),

    recipe(Items, Duplicate, Twice, Superseded),
    recipe(Items, BrokenToken, Replace("UU-", "UU_"), rejected("", "no_match")),
    recipe(Items, ShortLine, Cut, rejected("", "no_match")),
    recipe(Items, InvalidText, BadByte(0), rejected("", "invalid_text")),

    recipe(Warehouse, NullSpelling, Fill(31, "None"), UNKNOWN),
    recipe(Warehouse, NullSpelling, Fill(18, "null"), UNKNOWN),
    recipe(Warehouse, NullSpelling, Fill(6, "_RARE_"), UNKNOWN),
    recipe(Warehouse, NullSpelling, Set(33, "_RARE_"), UNKNOWN),
    recipe(Warehouse, Padding, Pad(8), TRIMMED),
    recipe(Warehouse, ExcelSerial, Excel(3), DAY),
    recipe(Warehouse, UnreadableExtra, Set(37, "99-99-9999 00:00"), UNKNOWN),
    recipe(Warehouse, Duplicate, Twice, Superseded),
    recipe(Warehouse, Correction, Before(10, "1"), Superseded),
    recipe(Warehouse, LateRecord, Tomorrow, Kept),
    recipe(Warehouse, RepeatedHeader, Header, rejected("entry_no", "not_a_number")),
    recipe(Warehouse, ShortLine, Cut, rejected("", "too_few_fields")),
    recipe(Warehouse, ExtraField, Extra("more"), rejected("", "too_many_fields")),
    recipe(Warehouse, BrokenQuote, OpenQuote(4), rejected("", "broken_quote")),
    recipe(Warehouse, InvalidText, BadByte(4), rejected("", "invalid_text")),
    recipe(Warehouse, MissingValue, Set(0, ""), rejected("entry_no", "missing")),
    recipe(Warehouse, NotANumber, Set(10, "1O0"), rejected("qty_base", "not_a_number")),
    recipe(Warehouse, DecimalComma, Set(10, "\"175,5\""), rejected("qty_base", "not_a_number")),
    recipe(Warehouse, AbsurdQuantity, Set(10, "9999999999"), expectation("quantity_plausible")),
    recipe(Warehouse, ImpossibleTime, Set(3, "31-02-2022"), rejected("registering_date", "not_a_time")),
    recipe(Warehouse, SwappedDayMonth, SwapDayMonth(3), Undetected),

    recipe(Materials, NullSpelling, Set(5, "_RARE_"), UNKNOWN),
    recipe(Materials, MissingValue, Set(0, ""), rejected("no", "missing")),
    recipe(Materials, DecimalComma, Set(14, "486,5"), rejected("unit_price", "not_a_number")),

    recipe(Bom, NullSpelling, Fill(24, "None"), UNKNOWN),
    recipe(Bom, ExcelSerial, Excel(15), DAY),
    recipe(Bom, BlankLine, Blank, Kept),
    recipe(Bom, RepeatedHeader, Header, rejected("", "repeated_header")),
    recipe(Bom, ShortLine, Cut, rejected("", "too_few_fields")),
    recipe(Bom, ExtraField, Extra("more"), rejected("", "too_many_fields")),
    recipe(Bom, InvalidText, BadByte(19), rejected("", "invalid_text")),
    recipe(Bom, MissingValue, Set(2, ""), rejected("line_no", "missing")),
    recipe(Bom, DecimalComma, Append(22, ",0"), rejected("quantity_per", "not_a_number")),
    recipe(Bom, NegativeQuantity, Set(22, "-3"), expectation("quantity_not_negative")),
    recipe(Bom, ImpossibleTime, Set(15, "31-02-2021"), rejected("starting_date", "not_a_time")),

    recipe(MachineEvents, NullSpelling, Fill(2, "\"None\""), UNKNOWN),
    recipe(MachineEvents, BlankLine, Blank, Kept),
    recipe(MachineEvents, Duplicate, Twice, Superseded),
    recipe(MachineEvents, Correction, Before(2, "\"not_recorded\""), Superseded),
    recipe(MachineEvents, LateRecord, Tomorrow, Kept),
    recipe(MachineEvents, ExtraField, Extra("\"shift_leader\":\"N.N.\""), Kept),
    recipe(MachineEvents, BrokenJson, Cut, rejected("", "not_json")),
    recipe(MachineEvents, InvalidText, BadByte(1), rejected("", "invalid_text")),
    recipe(MachineEvents, MissingValue, Set(0, "null"), rejected("unit", "missing")),
    recipe(MachineEvents, ImpossibleTime, Set(3, "\"2022-02-30T09:00:00Z\""), rejected("started_at", "not_a_time")),
    recipe(MachineEvents, ClockSetBack, Backwards(3, 4), expectation("ends_after_start")),
    recipe(MachineEvents, OverlappingStates, Earlier(3), CUT),
    recipe(MachineEvents, UnknownWord, Set(1, "\"flying\""), expectation("state_known")),

    recipe(Quality, NullSpelling, Fill(7, "\"_RARE_\""), UNKNOWN),
    recipe(Quality, Duplicate, Twice, Superseded),
    recipe(Quality, Correction, Before(6, "\"scrap\""), Superseded),
    recipe(Quality, LateRecord, Tomorrow, Kept),
    recipe(Quality, ExtraField, Extra("\"camera\":3"), Kept),
    recipe(Quality, BrokenJson, Replace("\"board\"", "board"), rejected("", "not_json")),
    recipe(Quality, InvalidText, BadByte(1), rejected("", "invalid_text")),
    recipe(Quality, MissingValue, Set(0, "null"), rejected("inspection", "missing")),
    recipe(Quality, NotANumber, Set(0, "\"first\""), rejected("inspection", "not_a_number")),
    recipe(Quality, ImpossibleTime, Set(5, "\"2022-02-30T09:00:00Z\""), rejected("inspected_at", "not_a_time")),
    recipe(Quality, UnknownWord, Set(6, "\"perhaps\""), expectation("verdict_known")),
    recipe(Quality, UnknownWord, Set(8, "\"perhaps\""), rejected("is_after_rework", "not_a_bool")),

    recipe(CycleTimes, Duplicate, Twice, Superseded),
    recipe(CycleTimes, MissingValue, Set(0, ""), rejected("item_id", "missing")),
    recipe(CycleTimes, NegativeQuantity, Set(2, "-1"), expectation("ideal_cycle_positive")),
];
