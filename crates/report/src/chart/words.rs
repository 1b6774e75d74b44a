//! Words of charts in the languages of reports.

/// Words in English, Malayalam and Hindi.
const WORDS: [[&str; 3]; 8] = [
    ["no data", "വിവരങ്ങൾ ഇല്ല", "कोई डेटा नहीं"],
    ["signal", "സൂചന", "संकेत"],
    ["running", "പ്രവർത്തിക്കുന്നു", "चालू"],
    ["idle", "നിഷ്ക്രിയം", "निष्क्रिय"],
    ["setup", "സജ്ജീകരണം", "सेटअप"],
    ["planned", "ആസൂത്രിതം", "नियोजित"],
    ["stopped", "നിർത്തി", "रुका"],
    ["unknown", "അജ്ഞാതം", "अज्ञात"],
];

/// Months in English, Malayalam and Hindi, as in `cockpit.typ`.
const MONTHS: [[&str; 3]; 12] = [
    ["Jan", "ജനു", "जन॰"],
    ["Feb", "ഫെബ്രു", "फ़र॰"],
    ["Mar", "മാർ", "मार्च"],
    ["Apr", "ഏപ്രി", "अप्रैल"],
    ["May", "മേയ്", "मई"],
    ["Jun", "ജൂൺ", "जून"],
    ["Jul", "ജൂലൈ", "जुल॰"],
    ["Aug", "ഓഗ", "अग॰"],
    ["Sep", "സെപ്റ്റം", "सित॰"],
    ["Oct", "ഒക്ടോ", "अक्टू॰"],
    ["Nov", "നവം", "नव॰"],
    ["Dec", "ഡിസം", "दिस॰"],
];

/// A month, from 1 to 12, in a language.
pub fn month(language: &str, month: u32) -> &'static str {
    let at = usize::try_from(month.saturating_sub(1)).unwrap_or(0) % MONTHS.len();
    MONTHS[at][position(language)]
}

/// A word of this list in a language; the word itself if it is not in the list.
pub fn word<'a>(language: &str, english: &'a str) -> &'a str {
    let found = WORDS.iter().find(|words| words[0] == english);
    found.map_or(english, |words| words[position(language)])
}

/// Position of a language in the lists.
fn position(language: &str) -> usize {
    match language {
        "ml" => 1,
        "hi" => 2,
        _ => 0,
    }
}
