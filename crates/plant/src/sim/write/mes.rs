//! Lines inspection the MES and related systems.

use super::stamp::{
    push_day, push_offset_stamp, push_register_stamp, push_stamp, push_stamp_day_first,
};
use super::{push, push_number, push_padded};
use crate::sim::board::{DEFECTS, Inspection};
use crate::sim::machine::MachineEvent;
use crate::sim::order::Order;
use crate::sim::plan::PlanRow;
use crate::sim::random::mix;
use crate::sim::site::{FAMILIES, Site};

/// What the lines refer to.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    pub site: &'a Site,
    pub orders: &'a [Order],
}

impl Names<'_> {
    fn unit(&self, unit: u16) -> &str {
        &self.site.units[usize::from(unit)].code
    }

    fn family(&self, unit: u16) -> usize {
        self.site.units[usize::from(unit)].family
    }

    fn item(&self, item: u16) -> &str {
        &self.site.items[usize::from(item)].id
    }

    /// Appends the name inspection an order.
    pub fn push_order(&self, out: &mut Vec<u8>, order: u32) {
        push(out, "W-");
        push_number(out, self.orders[order as usize].number.into());
    }

    /// Appends the name inspection a stage: that inspection its order and its number.
    pub fn push_stage(&self, out: &mut Vec<u8>, order: u32, stage: u64) {
        self.push_order(out, order);
        out.push(b'B');
        push_number(out, stage.cast_signed());
    }

    /// Appends the name inspection a board: that inspection its first stage and its copy on the panel.
    fn push_board(&self, out: &mut Vec<u8>, inspection: &Inspection) {
        self.push_stage(out, inspection.order, inspection.board);
        out.push(b'_');
        push_number(out, inspection.copy.into());
    }

    /// Appends the name inspection a batch as used by the routing.
    pub fn push_batch(&self, out: &mut Vec<u8>, inspection: &Inspection) {
        self.push_order(out, inspection.order);
        out.push(b'-');
        push(out, self.item(self.orders[inspection.order as usize].item));
        out.push(b'-');
        push_number(out, (mix(inspection.stage) % 100_000_000_000).cast_signed());
    }

    /// A row inspection the production plan.
    pub fn plan(&self, out: &mut Vec<u8>, row: &PlanRow) {
        let (unit, family) = (self.unit(row.unit), self.family(row.unit));
        push_number(out, row.id.cast_signed());
        out.push(b'|');
        push(out, self.item(row.item));
        out.push(b'|');
        push_day(out, row.day);
        out.push(b'|');
        push(out, &self.site.calendar.shifts()[usize::from(row.shift)].name);
        out.push(b'|');
        push(out, unit);
        push(out, "|1900-01-01 ");
        push_padded(out, row.hour.into(), 2);
        push(out, ":00:00|");
        push_number(out, row.quantity.into());
        out.push(b'|');
        push(out, FAMILIES[family]);
        push(out, "_LineLeader_1|");
        push(out, unit);
        out.push(b'|');
        push_number(out, family as i64 + 1);
        out.push(b'|');
        push_stamp(out, row.created_local_s);
        out.push(b'|');
        push_number(out, row.break_min.into());
        out.push(b'|');
        self.push_order(out, row.order);
        push(out, "||");
    }

    /// A work order in its current state.
    pub fn order(&self, out: &mut Vec<u8>, index: u32) {
        let order = &self.orders[index as usize];
        let item = self.item(order.item);
        let stamp = |out: &mut Vec<u8>, at_s: Option<i64>| {
            if let Some(at_s) = at_s {
                push_stamp_day_first(out, self.site.local_s(at_s));
            }
            out.push(b'\t');
        };
        let flag = |is_so: bool| if is_so { "1" } else { "0" };
        let is_ended = order.ended_s.is_some();
        self.push_order(out, index);
        out.push(b'\t');
        push(out, item);
        out.push(b'\t');
        push_number(out, order.line_no.into());
        out.push(b'\t');
        push(out, item);
        out.push(b'\t');
        push_number(out, order.quantity.into());
        out.push(b'\t');
        push(out, flag(order.started_s.is_some()));
        out.push(b'\t');
        stamp(out, order.started_s);
        stamp(out, order.ended_s);
        push(out, "\t\t\t\t\t\t");
        push(out, flag(order.is_blocked));
        push(out, "\t\t\t");
        push(out, flag(order.started_s.is_some()));
        out.push(b'\t');
        push(out, flag(is_ended));
        out.push(b'\t');
        push_number(out, order.short_closed().into());
        push(out, "\t\t\t\t");
        for _ in 0..2 {
            if let Some(routing) = order.routing {
                push_number(out, routing.into());
            }
            out.push(b'\t');
        }
        push(out, flag(is_ended));
        push(out, "\t0\t");
        push(out, flag(order.is_moisture_locked));
        out.push(b'\t');
        push_number(out, order.unit_price.into());
        push(out, "\t0\t\t");
    }

    /// An inspection result.
    pub fn result(&self, out: &mut Vec<u8>, inspection: &Inspection) {
        let local_s = self.site.local_s(inspection.at_s);
        push_number(out, inspection.id.cast_signed());
        out.push(b',');
        if let Some(status) = inspection.verdict.status() {
            push_number(out, status.into());
        }
        out.push(b',');
        self.push_board(out, inspection);
        out.push(b',');
        self.push_stage(out, inspection.order, inspection.board);
        out.push(b',');
        self.push_order(out, inspection.order);
        for _ in 0..2 {
            out.push(b',');
            self.push_stage(out, inspection.order, inspection.stage);
        }
        out.push(b',');
        push(out, FAMILIES[self.family(inspection.unit)]);
        push(out, "Agent,");
        push_number(out, inspection.is_deviation.into());
        for _ in 0..2 {
            out.push(b',');
            push_stamp(out, local_s);
        }
        out.push(b',');
        push_number(out, needs_reinspection(inspection).into());
        push(out, ",,0,0,");
        push(out, self.unit(inspection.unit));
        push(out, ",,,,,,,");
    }

    /// An entry inspection the item register. Minutes are above 23, so swapped hours and minutes are
    /// detectable.
    pub fn item_entry(&self, out: &mut Vec<u8>, item: u16, registered_local_s: i64) {
        let (number, about) = (u64::from(item), &self.site.items[usize::from(item)]);
        let family = FAMILIES[about.family];
        out.push(b'C');
        push_number(out, (100 + mix(number) % 900).cast_signed());
        push(out, &about.id);
        push(out, "UU-");
        push(out, &about.id);
        push(out, "nxklh2022");
        push(out, family);
        out.push(b'-');
        out.extend((0..3).map(|at| b'a' + (mix(number * 3 + at) % 26) as u8));
        push(out, "0.1None\\R$$Noneplantxi12None");
        push_register_stamp(out, registered_local_s, (mix(number) / 7 % 4) as usize);
        push(out, "Nonek8NonebHMNone--NoneP011");
        push(out, family);
        out.push(b'_');
        push(out, about.country);
        push(out, "MDNone");
    }

    /// A machine state.
    pub fn event(&self, out: &mut Vec<u8>, event: &MachineEvent) {
        push(out, "{\"unit\":\"");
        push(out, self.unit(event.unit));
        push(out, "\",\"state\":\"");
        push(out, event.state.as_str());
        push(out, "\",\"reason\":");
        push_text_or_null(out, event.reason);
        push(out, ",\"from\":\"");
        self.push_timestamp(out, event.from_s);
        push(out, "\",\"to\":\"");
        self.push_timestamp(out, event.to_s);
        push(out, "\",\"order\":");
        match event.order {
            None => push(out, "null"),
            Some(order) => {
                out.push(b'"');
                self.push_order(out, order);
                out.push(b'"');
            }
        }
        out.push(b'}');
    }

    /// An inspection as written by the quality system.
    pub fn inspection(&self, out: &mut Vec<u8>, inspection: &Inspection) {
        push(out, "{\"inspection\":");
        push_number(out, inspection.id.cast_signed());
        push(out, ",\"board\":\"");
        self.push_board(out, inspection);
        push(out, "\",\"item\":\"");
        push(out, self.item(self.orders[inspection.order as usize].item));
        push(out, "\",\"order\":\"");
        self.push_order(out, inspection.order);
        push(out, "\",\"station\":\"");
        push(out, self.unit(inspection.unit));
        push(out, "\",\"at\":\"");
        self.push_timestamp(out, inspection.at_s);
        push(out, "\",\"verdict\":");
        push_text_or_null(out, inspection.verdict.as_str());
        push(out, ",\"defect\":");
        push_text_or_null(out, inspection.defect.map(|defect| DEFECTS[usize::from(defect)]));
        push(out, ",\"rework\":");
        push(out, if inspection.is_after_rework { "true" } else { "false" });
        out.push(b'}');
    }

    fn push_timestamp(&self, out: &mut Vec<u8>, at_s: i64) {
        let local_s = self.site.local_s(at_s);
        push_offset_stamp(out, local_s, local_s - at_s);
    }
}

/// Whether the board needs another inspection.
pub fn needs_reinspection(inspection: &Inspection) -> bool {
    inspection.verdict == crate::sim::board::Verdict::Rework
}

fn push_text_or_null(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => push(out, "null"),
        Some(text) => {
            out.push(b'"');
            push(out, text);
            out.push(b'"');
        }
    }
}
