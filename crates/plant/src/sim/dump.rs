//! The dumps: names, locations and layouts.

use crate::time::date_from_days;
use chrono::NaiveDate;

/// A dump written by the systems of the plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dump {
    Plans,
    WorkOrders,
    Results,
    RoutingStages,
    Items,
    Warehouse,
    Materials,
    Bom,
    MachineEvents,
    Quality,
    CycleTimes,
}

/// Layout of the records of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Fields separated by a delimiter.
    Delimited(u8),
    /// One JSON object per line.
    JsonLines,
    /// One JSON array of objects.
    JsonArray,
    /// Fixed texts between the fields.
    Tokens,
    Parquet,
}

/// Properties of a dump.
#[derive(Debug, PartialEq, Eq)]
pub struct About {
    /// The silver table of its records.
    pub table: &'static str,
    /// Its folder below `data/`, and its name.
    pub place: (&'static str, &'static str),
    pub dialect: Dialect,
    /// Column names as a header line; empty if there are none.
    pub header: &'static str,
    pub has_header: bool,
    pub line_end: &'static str,
}

impl Dump {
    /// All dumps.
    pub const ALL: [Self; 11] = [
        Self::Plans,
        Self::WorkOrders,
        Self::Results,
        Self::RoutingStages,
        Self::Items,
        Self::Warehouse,
        Self::Materials,
        Self::Bom,
        Self::MachineEvents,
        Self::Quality,
        Self::CycleTimes,
    ];

    /// Properties of the dump.
    pub const fn about(self) -> &'static About {
        match self {
            Self::Plans => &PLANS,
            Self::WorkOrders => &WORK_ORDERS,
            Self::Results => &RESULTS,
            Self::RoutingStages => &ROUTING_STAGES,
            Self::Items => &ITEMS,
            Self::Warehouse => &WAREHOUSE,
            Self::Materials => &MATERIALS,
            Self::Bom => &BOM,
            Self::MachineEvents => &MACHINE_EVENTS,
            Self::Quality => &QUALITY,
            Self::CycleTimes => &CYCLE_TIMES,
        }
    }

    /// Key of the dump in its bucket: one file for all days, or the file of a day.
    pub fn key(self, day: Option<i32>) -> String {
        let (folder, name) = self.about().place;
        match day {
            None => format!("data/{folder}/{name}"),
            Some(day) => format!("data/{folder}/{}/{name}", date(day)),
        }
    }
}

/// The date of a day since 1970-01-01.
pub fn date(day: i32) -> NaiveDate {
    date_from_days(day).unwrap_or_default()
}

const fn plain(
    table: &'static str,
    place: (&'static str, &'static str),
    dialect: Dialect,
    header: &'static str,
) -> About {
    About { table, place, dialect, header, has_header: false, line_end: "\n" }
}

const PLANS: About = About {
    has_header: true,
    ..plain(
        "production_plan",
        ("OperationsManagement/PlansShiftWise", "PlansShiftWise.csv"),
        Dialect::Delimited(b'|'),
        "ID|ItemNo|Date|Shift|Station|Hour|Quantity|LineLeader|Bay|DivisionId|CreationDateTime|\
         BreakTime|WorkOrderId|Company|Division",
    )
};
const WORK_ORDERS: About = plain(
    "work_order",
    ("OperationsManagement/Workorders", "Workorders.csv"),
    Dialect::Delimited(b'\t'),
    "Id\tItemId\tLineNo\tDescription\tQuantity\tStarted\tStartDate\tEndDate\tEcnNo\tEcnQunatity\t\
     EcnStatus\tProductRevision\tPlannedStartDate\tPlannedEndDate\tIsblocked\tBlockedDate\t\
     BlockedBy\tBatchProceedStatus\tWorkOrderClosureStatus\tShortClosedQuantity\tCreationDate\t\
     DysonPONumber\tCustomerSKUNumber\tRoutingVersionId\tRoutingHeaderId\tERPClosureStatus\t\
     FeederReloadLockRequired\tMSDLockRequired\tUnitPrice\tAllowCustomerRefNoRepetition\t\
     Company\tDivision",
);
const RESULTS: About = plain(
    "board_result",
    ("OperationsManagement/Results", "Results.csv"),
    Dialect::Delimited(b','),
    "Id,Status,BoardId,BatchId,WorkOrderId,RoutingStageId,RoutingStageName,Operator,Deviation,\
     InspectionDate,LastModifiedDate,ReInspectionNeeded,PreviouslySannedBoards,RoutingStatus,\
     CavityID,SubWorkCenter,StationCode,StationName,TrayId,AssetSubNodeId,CollectionId,Company,\
     Division",
);
const ROUTING_STAGES: About = plain(
    "routing_stage",
    ("OperationsManagement/RoutingStages", "RoutingStages.parquet"),
    Dialect::Parquet,
    "",
);
const ITEMS: About =
    plain("item", ("OperationsManagement/Items", "Items.txt"), Dialect::Tokens, "");
const WAREHOUSE: About = plain(
    "warehouse_entry",
    ("SCSupplyChain/warehouse", "warehouse.csv"),
    Dialect::Delimited(b','),
    "Entry No_,Journal Batch Name,Line No_,Registering Date,Location Code,Zone Code,Bin Code,\
     Description,Item No_,Quantity,Qty_ (Base),Source Type,Source Subtype,Source No_,\
     Source Line No_,Source Subline No_,Source Document,Source Code,Reason Code,No_ Series,\
     Bin Type Code,Cubage,Weight,Journal Template Name,Whse_ Document No_,Whse_ Document Type,\
     Whse_ Document Line No_,Entry Type,Reference Document,Reference No_,User ID,Variant Code,\
     Qty_ per Unit of Measure,Unit of Measure Code,Serial No_,Lot No_,Warranty Date,\
     Expiration Date,Phys Invt Counting Period Code,Phys Invt Counting Period Type,Dedicated",
);
const MATERIALS: About =
    plain("material_record", ("SCSupplyChain/item", "item.parquet"), Dialect::Parquet, "");
const BOM: About = About {
    has_header: true,
    line_end: "\r\n",
    ..plain(
        "bom_line",
        ("SCSupplyChain/production", "production.txt"),
        Dialect::Delimited(b'\t'),
        "Production BOM No_\tVersion Code\tLine No_\tType\tDescription\tNo_\tUnit of Measure Code\t\
         Quantity\tPosition\tPosition 2\tPosition 3\tLead-Time Offset\tRouting Link Code\tScrap _\t\
         Variant Code\tStarting Date\tEnding Date\tLength\tWidth\tWeight\tDepth\t\
         Calculation Formula\tQuantity per\tPrincipal Input\tCompany\tDivision",
    )
};
const MACHINE_EVENTS: About = plain(
    "machine_event",
    ("OperationsManagement/MachineEvents", "MachineEvents.jsonl"),
    Dialect::JsonLines,
    "",
);
const QUALITY: About = plain(
    "board_inspection",
    ("OperationsManagement/Quality", "Quality.json"),
    Dialect::JsonArray,
    "",
);
const CYCLE_TIMES: About =
    plain("cycle_time", ("OperationsManagement/Items", "CycleTimes.parquet"), Dialect::Parquet, "");
