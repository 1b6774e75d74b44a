//! Words of messages about reports in each language.

use config::notifications::Language;

/// The words of one language.
#[derive(Debug)]
pub(super) struct Words {
    /// Before the subject of a correction.
    pub corrected: &'static str,
    pub data_as_of: &'static str,
    pub issued: &'static str,
    /// Heading of the differences.
    pub changes: &'static str,
    /// Before the number of differences that are left out.
    pub more: &'static str,
    pub added: &'static str,
    pub removed: &'static str,
    pub too_large: &'static str,
}

const ENGLISH: Words = Words {
    corrected: "Corrected",
    data_as_of: "Data as of",
    issued: "Issued",
    changes: "What changed",
    more: "Further changes:",
    added: "new",
    removed: "removed",
    too_large: "The files are too large for a message. Open the page to download them.",
};

const MALAYALAM: Words = Words {
    corrected: "തിരുത്തിയത്",
    data_as_of: "വിവരങ്ങളുടെ സമയം",
    issued: "തയ്യാറാക്കിയത്",
    changes: "മാറ്റങ്ങൾ",
    more: "മറ്റു മാറ്റങ്ങൾ:",
    added: "പുതിയത്",
    removed: "ഒഴിവാക്കി",
    too_large: "ഫയലുകൾ സന്ദേശത്തിൽ ചേർക്കാൻ കഴിയാത്തത്ര വലുതാണ്. ഡൗൺലോഡ് ചെയ്യാൻ പേജ് തുറക്കുക.",
};

const HINDI: Words = Words {
    corrected: "संशोधित",
    data_as_of: "डेटा का समय",
    issued: "जारी",
    changes: "बदलाव",
    more: "अन्य बदलाव:",
    added: "नया",
    removed: "हटाया गया",
    too_large: "फ़ाइलें संदेश के लिए बहुत बड़ी हैं। डाउनलोड करने के लिए पृष्ठ खोलें।",
};

/// The words of a language.
pub(super) const fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::Malayalam => &MALAYALAM,
        Language::Hindi => &HINDI,
    }
}
