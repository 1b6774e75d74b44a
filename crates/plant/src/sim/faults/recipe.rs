//! How each kind of dirt looks in each dump, and what must become of it there.

use super::{FaultKind, Outcome};
use crate::sim::dump::Dump;

/// What is done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// A field gets another text.
    Set(usize, &'static str),
    /// A field that says nothing gets a text.
    Fill(usize, &'static str),
    /// A field gets more text at its end.
    Append(usize, &'static str),
    /// A field gets space around it.
    Pad(usize),
    /// A field gets a quote that is never closed.
    OpenQuote(usize),
    /// A field gets a byte that is no text.
    BadByte(usize),
    /// Day and month of a field change places.
    SwapDayMonth(usize),
    /// A day is written as the number Excel has for it.
    Excel(usize),
    /// A time becomes one the clock of the plant never shows.
    Gap(usize),
    /// The second time becomes earlier than the first.
    Backwards(usize, usize),
    /// A time becomes some seconds earlier.
    Earlier(usize),
    /// A text in the record becomes another.
    Replace(&'static str, &'static str),
    /// The record ends early.
    Cut,
    /// The record has one field more.
    Extra(&'static str),
    /// The record comes twice.
    Twice,
    /// The record comes first with another text in a field, and then as it is.
    Before(usize, &'static str),
    /// The record comes with the next dump.
    Tomorrow,
    /// The header comes before the record.
    Header,
    /// An empty line comes before the record.
    Blank,
}

/// One kind of dirt in one dump.
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

const fn bad(column: &'static str, reason: &'static str) -> Outcome {
    Outcome::Rejected { column, reason, rule: "" }
}

const fn broken(rule: &'static str) -> Outcome {
    Outcome::Rejected { column: "", reason: "expectation", rule }
}

const fn is(dump: Dump, kind: FaultKind, edit: Edit, outcome: Outcome) -> Recipe {
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
use Outcome::{Kept, ParseError, Superseded};

/// The fate of a swapped day and month is that of those which give a day; the others are no time.
#[rustfmt::skip]
const RECIPES: &[Recipe] = &[
    is(Plans, NullSpelling, Fill(13, "_RARE_"), UNKNOWN),
    is(Plans, NullSpelling, Set(7, "None"), UNKNOWN),
    is(Plans, Padding, Pad(1), TRIMMED),
    is(Plans, BlankLine, Blank, Kept),
    is(Plans, Duplicate, Twice, Superseded),
    is(Plans, Correction, Before(6, "1"), Superseded),
    is(Plans, LateRecord, Tomorrow, Kept),
    is(Plans, RepeatedHeader, Header, bad("", "repeated_header")),
    is(Plans, ShortLine, Cut, bad("", "too_few_fields")),
    is(Plans, ExtraField, Extra("more"), bad("", "too_many_fields")),
    is(Plans, InvalidText, BadByte(3), bad("", "invalid_text")),
    is(Plans, MissingValue, Set(0, ""), bad("id", "missing")),
    is(Plans, MissingValue, Set(12, "_RARE_"), bad("work_order_id", "missing")),
    is(Plans, NotANumber, Set(6, "many"), bad("quantity", "not_a_number")),
    is(Plans, DecimalComma, Append(6, ",5"), bad("quantity", "not_a_number")),
    is(Plans, NegativeQuantity, Set(6, "-5"), broken("quantity_not_negative")),
    is(Plans, AbsurdQuantity, Set(6, "99999999"), broken("quantity_plausible")),
    is(Plans, ImpossibleTime, Set(5, "1900-01-01 24:30:00"), bad("hour", "not_a_time")),
    is(Plans, ImpossibleTime, Set(2, "2022-02-30"), bad("date", "not_a_time")),
    is(Plans, SwappedDayMonth, SwapDayMonth(2), ParseError),

    is(WorkOrders, NullSpelling, Fill(16, "NULL"), UNKNOWN),
    is(WorkOrders, NullSpelling, Fill(31, "null"), UNKNOWN),
    is(WorkOrders, Padding, Pad(1), TRIMMED),
    is(WorkOrders, Duplicate, Twice, Superseded),
    is(WorkOrders, Correction, Before(4, "1"), Superseded),
    is(WorkOrders, RepeatedHeader, Header, bad("line_no", "not_a_number")),
    is(WorkOrders, ShortLine, Cut, bad("", "too_few_fields")),
    is(WorkOrders, ExtraField, Extra("more"), bad("", "too_many_fields")),
    is(WorkOrders, InvalidText, BadByte(3), bad("", "invalid_text")),
    is(WorkOrders, MissingValue, Set(0, ""), bad("id", "missing")),
    is(WorkOrders, NotANumber, Set(2, "ten"), bad("line_no", "not_a_number")),
    is(WorkOrders, DecimalComma, Append(4, ",0"), bad("quantity", "not_a_number")),
    is(WorkOrders, NegativeQuantity, Set(4, "-194"), broken("quantity_not_negative")),
    is(WorkOrders, AbsurdQuantity, Set(4, "99999999"), broken("quantity_plausible")),
    is(WorkOrders, ImpossibleTime, Set(6, "31-02-2022 09:00:00"), bad("start_date", "not_a_time")),
    is(WorkOrders, SwappedDayMonth, SwapDayMonth(6), ParseError),

    is(Results, NullSpelling, Fill(12, "None"), UNKNOWN),
    is(Results, NullSpelling, Fill(1, "NULL"), UNKNOWN),
    is(Results, NullSpelling, Fill(19, "_RARE_"), UNKNOWN),
    is(Results, Padding, Pad(15), TRIMMED),
    is(Results, BlankLine, Blank, Kept),
    is(Results, Duplicate, Twice, Superseded),
    is(Results, Correction, Before(1, "2"), Superseded),
    is(Results, LateRecord, Tomorrow, Kept),
    is(Results, RepeatedHeader, Header, bad("id", "not_a_number")),
    is(Results, ShortLine, Cut, bad("", "too_few_fields")),
    is(Results, ExtraField, Extra("more"), bad("", "too_many_fields")),
    is(Results, BrokenQuote, OpenQuote(7), bad("", "broken_quote")),
    is(Results, InvalidText, BadByte(7), bad("", "invalid_text")),
    is(Results, MissingValue, Set(2, "None"), bad("board_id", "missing")),
    is(Results, NotANumber, Set(0, "x1"), bad("id", "not_a_number")),
    is(Results, ImpossibleTime, Set(9, "2022-02-30 10:00:00"), bad("inspection_date", "not_a_time")),
    is(Results, ClockChange, Gap(9), bad("inspection_date", "no_such_time")),

    is(RoutingStages, NullSpelling, Set(67, "_RARE_"), UNKNOWN),
    is(RoutingStages, Duplicate, Twice, Superseded),
    is(RoutingStages, Correction, Before(20, "2"), Superseded),
    is(RoutingStages, MissingValue, Set(0, ""), bad("id", "missing")),
    is(RoutingStages, MissingValue, Set(20, ""), bad("surface", "missing")),

    is(Items, Duplicate, Twice, Superseded),
    is(Items, BrokenToken, Replace("UU-", "UU_"), bad("", "no_match")),
    is(Items, ShortLine, Cut, bad("", "no_match")),
    is(Items, InvalidText, BadByte(0), bad("", "invalid_text")),

    is(Warehouse, NullSpelling, Fill(31, "None"), UNKNOWN),
    is(Warehouse, NullSpelling, Fill(18, "null"), UNKNOWN),
    is(Warehouse, NullSpelling, Fill(6, "_RARE_"), UNKNOWN),
    is(Warehouse, NullSpelling, Set(33, "_RARE_"), UNKNOWN),
    is(Warehouse, Padding, Pad(8), TRIMMED),
    is(Warehouse, ExcelSerial, Excel(3), DAY),
    is(Warehouse, UnreadableExtra, Set(37, "99-99-9999 00:00"), UNKNOWN),
    is(Warehouse, Duplicate, Twice, Superseded),
    is(Warehouse, Correction, Before(10, "1"), Superseded),
    is(Warehouse, LateRecord, Tomorrow, Kept),
    is(Warehouse, RepeatedHeader, Header, bad("entry_no", "not_a_number")),
    is(Warehouse, ShortLine, Cut, bad("", "too_few_fields")),
    is(Warehouse, ExtraField, Extra("more"), bad("", "too_many_fields")),
    is(Warehouse, BrokenQuote, OpenQuote(4), bad("", "broken_quote")),
    is(Warehouse, InvalidText, BadByte(4), bad("", "invalid_text")),
    is(Warehouse, MissingValue, Set(0, ""), bad("entry_no", "missing")),
    is(Warehouse, NotANumber, Set(10, "1O0"), bad("qty_base", "not_a_number")),
    is(Warehouse, DecimalComma, Set(10, "\"175,5\""), bad("qty_base", "not_a_number")),
    is(Warehouse, AbsurdQuantity, Set(10, "9999999999"), broken("quantity_plausible")),
    is(Warehouse, ImpossibleTime, Set(3, "31-02-2022"), bad("registering_date", "not_a_time")),
    is(Warehouse, SwappedDayMonth, SwapDayMonth(3), ParseError),

    is(Materials, NullSpelling, Set(5, "_RARE_"), UNKNOWN),
    is(Materials, MissingValue, Set(0, ""), bad("no", "missing")),
    is(Materials, DecimalComma, Set(14, "486,5"), bad("unit_price", "not_a_number")),

    is(Bom, NullSpelling, Fill(24, "None"), UNKNOWN),
    is(Bom, ExcelSerial, Excel(15), DAY),
    is(Bom, BlankLine, Blank, Kept),
    is(Bom, RepeatedHeader, Header, bad("", "repeated_header")),
    is(Bom, ShortLine, Cut, bad("", "too_few_fields")),
    is(Bom, ExtraField, Extra("more"), bad("", "too_many_fields")),
    is(Bom, InvalidText, BadByte(19), bad("", "invalid_text")),
    is(Bom, MissingValue, Set(2, ""), bad("line_no", "missing")),
    is(Bom, DecimalComma, Append(22, ",0"), bad("quantity_per", "not_a_number")),
    is(Bom, NegativeQuantity, Set(22, "-3"), broken("quantity_not_negative")),
    is(Bom, ImpossibleTime, Set(15, "31-02-2021"), bad("starting_date", "not_a_time")),

    is(MachineEvents, NullSpelling, Fill(2, "\"None\""), UNKNOWN),
    is(MachineEvents, BlankLine, Blank, Kept),
    is(MachineEvents, Duplicate, Twice, Superseded),
    is(MachineEvents, Correction, Before(2, "\"not_said\""), Superseded),
    is(MachineEvents, LateRecord, Tomorrow, Kept),
    is(MachineEvents, ExtraField, Extra("\"shift_leader\":\"N.N.\""), Kept),
    is(MachineEvents, BrokenJson, Cut, bad("", "not_json")),
    is(MachineEvents, InvalidText, BadByte(1), bad("", "invalid_text")),
    is(MachineEvents, MissingValue, Set(0, "null"), bad("unit", "missing")),
    is(MachineEvents, ImpossibleTime, Set(3, "\"2022-02-30T09:00:00Z\""), bad("started_at", "not_a_time")),
    is(MachineEvents, ClockSetBack, Backwards(3, 4), broken("ends_after_start")),
    is(MachineEvents, OverlappingStates, Earlier(3), CUT),
    is(MachineEvents, UnknownWord, Set(1, "\"flying\""), broken("state_known")),

    is(Quality, NullSpelling, Fill(7, "\"_RARE_\""), UNKNOWN),
    is(Quality, Duplicate, Twice, Superseded),
    is(Quality, Correction, Before(6, "\"scrap\""), Superseded),
    is(Quality, LateRecord, Tomorrow, Kept),
    is(Quality, ExtraField, Extra("\"camera\":3"), Kept),
    is(Quality, BrokenJson, Replace("\"board\"", "board"), bad("", "not_json")),
    is(Quality, InvalidText, BadByte(1), bad("", "invalid_text")),
    is(Quality, MissingValue, Set(0, "null"), bad("inspection", "missing")),
    is(Quality, NotANumber, Set(0, "\"first\""), bad("inspection", "not_a_number")),
    is(Quality, ImpossibleTime, Set(5, "\"2022-02-30T09:00:00Z\""), bad("inspected_at", "not_a_time")),
    is(Quality, UnknownWord, Set(6, "\"perhaps\""), broken("verdict_known")),
    is(Quality, UnknownWord, Set(8, "\"perhaps\""), bad("is_after_rework", "not_a_bool")),

    is(CycleTimes, Duplicate, Twice, Superseded),
    is(CycleTimes, MissingValue, Set(0, ""), bad("item_id", "missing")),
    is(CycleTimes, NegativeQuantity, Set(2, "-1"), broken("ideal_cycle_positive")),
];
