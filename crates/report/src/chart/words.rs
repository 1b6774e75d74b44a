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

/// A word of this list in a language; the word itself if it is not in the list.
pub fn word<'a>(language: &str, english: &'a str) -> &'a str {
    let at = match language {
        "ml" => 1,
        "hi" => 2,
        _ => 0,
    };
    let found = WORDS.iter().find(|words| words[0] == english);
    found.map_or(english, |words| words[at])
}
