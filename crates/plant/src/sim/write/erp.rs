//! Lines of the ERP.

use super::stamp::{push_day_first, push_minute_day_first};
use super::{push, push_e4, push_number, push_padded, push_quoted};
use crate::sim::random::mix;
use crate::sim::site::Site;
use crate::sim::stock::{BINS, BOMS, BomLine, StockEntry};

/// A warehouse entry.
pub fn entry(site: &Site, out: &mut Vec<u8>, entry: &StockEntry) {
    let material = &site.materials[usize::from(entry.material)];
    let noise = mix(entry.no);
    let (location, zone) = if noise.is_multiple_of(2) { ("SEZ3", "TMG") } else { ("SEZ2", "IGS") };
    let some = |shift: u32, from: u64, count: u64| (from + (noise >> shift) % count).cast_signed();
    push_number(out, entry.no.cast_signed());
    push(out, ",,10000,");
    push_day_first(out, entry.day);
    for text in [",", location, ",", zone, ","] {
        push(out, text);
    }
    push(out, entry.bin.map_or("", |bin| BINS[usize::from(bin)]));
    out.push(b',');
    push_quoted(out, material.description);
    out.push(b',');
    push(out, &material.no);
    for _ in 0..2 {
        out.push(b',');
        push_e4(out, entry.quantity_e4);
    }
    push(out, ",39,1,RM-MIC-0003,");
    push_number(out, some(3, 200, 900) * 10_000);
    push(out, ",12345,5,PURCHASES,,WR-P,RECEIVE,");
    push_number(out, some(13, 100, 150));
    out.push(b',');
    push_number(out, some(21, 100, 150));
    push(out, ",,WR-P-E2-0001,1,");
    push_number(out, some(29, 200, 900) * 10_000);
    push(out, if entry.is_issue { ",2,1,GRN-E2-" } else { ",1,1,GRN-E2-" });
    push_padded(out, some(37, 157, 600), 5);
    push(out, ",STORES.01,,1,");
    push(out, if material.is_counted { "EA" } else { "L" });
    push(out, ",,");
    push_lot(out, entry.lot);
    out.push(b',');
    push_minute_day_first(out, entry.warranty_local_s);
    out.push(b',');
    push_minute_day_first(out, entry.expires_local_s);
    push(out, ",PC_");
    push_padded(out, some(45, 1, 5), 3);
    push(out, ",1,1");
}

/// Appends the name of a lot; nothing if there is none.
pub fn push_lot(out: &mut Vec<u8>, lot: Option<u16>) {
    if let Some(lot) = lot {
        push(out, "IDS-21E2-");
        push_padded(out, lot.into(), 5);
    }
}

/// A line of a bill of materials.
pub fn bom_line(site: &Site, out: &mut Vec<u8>, line: &BomLine) {
    let material = &site.materials[usize::from(line.material)];
    push(out, line.bom.map_or("", |bom| BOMS[usize::from(bom)]));
    push(out, "\t\t");
    push_number(out, line.line_no.into());
    push(out, "\t1\t");
    push_quoted(out, material.description);
    out.push(b'\t');
    push(out, &material.no);
    push(out, if material.is_counted { "\tEA\t" } else { "\tL\t" });
    push_number(out, line.quantity.into());
    push(out, "\tSMT\t\t\t");
    push_number(out, line.lead_time_d.into());
    push(out, "\tAOI\t0\tM\t");
    push_day_first(out, line.starts_on);
    out.push(b'\t');
    push_day_first(out, line.ends_on);
    for shift in [0, 8, 16, 24] {
        out.push(b'\t');
        push_number(out, (10 + (mix(line.line_no.into()) >> shift) % 11).cast_signed());
    }
    push(out, "\t0\t");
    push_number(out, line.quantity_per.into());
    push(out, "\t1\t\t");
}
