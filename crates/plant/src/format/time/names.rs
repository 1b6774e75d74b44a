//! Month names.

/// A language of month names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Locale(&'static Months);

/// Month names of one language in lower case, without the dot of abbreviations.
#[derive(Debug, PartialEq, Eq)]
struct Months {
    language: &'static str,
    /// Names of each month, full and short, separated by spaces.
    names: [&'static str; 12],
}

impl Default for Locale {
    fn default() -> Self {
        Self(&LOCALES[0])
    }
}

impl std::fmt::Debug for Locale {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Locale({})", self.0.language)
    }
}

impl Locale {
    /// The locale of a language tag such as `de`, `de-AT` or `de_DE`; `None` if it is not
    /// supported.
    pub fn parse(tag: &str) -> Option<Self> {
        let language = tag.split(['-', '_', '.']).next().unwrap_or(tag);
        let language = if matches!(language, "nb" | "nn") { "no" } else { language };
        LOCALES.iter().find(|it| it.language.eq_ignore_ascii_case(language)).map(Self)
    }

    /// The supported languages.
    pub fn languages() -> impl Iterator<Item = &'static str> {
        LOCALES.iter().map(|it| it.language)
    }

    /// Parses the month name a text starts with, in any letter case: its number from 1, and the
    /// length of the name in bytes. The longest match wins.
    pub(super) fn month(self, text: &str) -> Option<(u32, usize)> {
        let mut found: Option<(u32, usize)> = None;
        for (number, names) in (1..).zip(self.0.names) {
            let lens = names.split(' ').filter_map(|name| strip_ignoring_case(text, name));
            let longest = lens.max().filter(|len| found.is_none_or(|(_, known)| *len > known));
            found = longest.map(|len| (number, len)).or(found);
        }
        found
    }

    #[cfg(test)]
    pub(super) fn names(self) -> [&'static str; 12] {
        self.0.names
    }
}

/// Length of `name`, which is in lower case, at the start of `text` in any letter case.
fn strip_ignoring_case(text: &str, name: &str) -> Option<usize> {
    let mut rest = text.chars();
    let is_same = |letter: char| rest.next().is_some_and(|it| it.to_lowercase().eq([letter]));
    name.chars().all(is_same).then(|| text.len() - rest.as_str().len())
}

static LOCALES: [Months; 15] = [
    Months {
        language: "en",
        names: [
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ],
    },
    Months {
        language: "de",
        names: [
            "januar jänner jan jän",
            "februar feber feb",
            "märz mär mrz maerz",
            "april apr",
            "mai",
            "juni jun",
            "juli jul",
            "august aug",
            "september sept sep",
            "oktober okt",
            "november nov",
            "dezember dez",
        ],
    },
    Months {
        language: "fr",
        names: [
            "janvier janv jan",
            "février févr fév fevrier fevr fev",
            "mars mar",
            "avril avr",
            "mai",
            "juin",
            "juillet juil jul",
            "août aoû aout aou",
            "septembre sept sep",
            "octobre oct",
            "novembre nov",
            "décembre déc decembre dec",
        ],
    },
    Months {
        language: "es",
        names: [
            "enero ene",
            "febrero feb",
            "marzo mar",
            "abril abr",
            "mayo may",
            "junio jun",
            "julio jul",
            "agosto ago",
            "septiembre setiembre sept set sep",
            "octubre oct",
            "noviembre nov",
            "diciembre dic",
        ],
    },
    Months {
        language: "it",
        names: [
            "gennaio gen",
            "febbraio feb",
            "marzo mar",
            "aprile apr",
            "maggio mag",
            "giugno giu",
            "luglio lug",
            "agosto ago",
            "settembre sett set",
            "ottobre ott",
            "novembre nov",
            "dicembre dic",
        ],
    },
    Months {
        language: "pt",
        names: [
            "janeiro jan",
            "fevereiro fev",
            "março marco mar",
            "abril abr",
            "maio mai",
            "junho jun",
            "julho jul",
            "agosto ago",
            "setembro set",
            "outubro out",
            "novembro nov",
            "dezembro dez",
        ],
    },
    Months {
        language: "nl",
        names: [
            "januari jan",
            "februari feb",
            "maart mrt mar",
            "april apr",
            "mei",
            "juni jun",
            "juli jul",
            "augustus aug",
            "september sept sep",
            "oktober okt",
            "november nov",
            "december dec",
        ],
    },
    Months {
        language: "pl",
        names: [
            "styczeń stycznia sty",
            "luty lutego lut",
            "marzec marca mar",
            "kwiecień kwietnia kwi",
            "maj maja",
            "czerwiec czerwca cze",
            "lipiec lipca lip",
            "sierpień sierpnia sie",
            "wrzesień września wrz",
            "październik października paź paz",
            "listopad listopada lis",
            "grudzień grudnia gru",
        ],
    },
    Months {
        language: "cs",
        names: [
            "leden ledna led",
            "únor února úno",
            "březen března bře",
            "duben dubna dub",
            "květen května kvě",
            "červen června čvn",
            "červenec července čvc",
            "srpen srpna srp",
            "září zář",
            "říjen října říj",
            "listopad listopadu lis",
            "prosinec prosince pro",
        ],
    },
    Months {
        language: "sv",
        names: [
            "januari jan",
            "februari feb",
            "mars mar",
            "april apr",
            "maj",
            "juni jun",
            "juli jul",
            "augusti aug",
            "september sept sep",
            "oktober okt",
            "november nov",
            "december dec",
        ],
    },
    Months {
        language: "da",
        names: [
            "januar jan",
            "februar feb",
            "marts mar",
            "april apr",
            "maj",
            "juni jun",
            "juli jul",
            "august aug",
            "september sept sep",
            "oktober okt",
            "november nov",
            "december dec",
        ],
    },
    Months {
        language: "no",
        names: [
            "januar jan",
            "februar feb",
            "mars mar",
            "april apr",
            "mai",
            "juni jun",
            "juli jul",
            "august aug",
            "september sept sep",
            "oktober okt",
            "november nov",
            "desember des",
        ],
    },
    Months {
        language: "fi",
        names: [
            "tammikuuta tammikuu tammi",
            "helmikuuta helmikuu helmi",
            "maaliskuuta maaliskuu maalis",
            "huhtikuuta huhtikuu huhti",
            "toukokuuta toukokuu touko",
            "kesäkuuta kesäkuu kesä",
            "heinäkuuta heinäkuu heinä",
            "elokuuta elokuu elo",
            "syyskuuta syyskuu syys",
            "lokakuuta lokakuu loka",
            "marraskuuta marraskuu marras",
            "joulukuuta joulukuu joulu",
        ],
    },
    Months {
        language: "hu",
        names: [
            "január jan",
            "február febr feb",
            "március márc már",
            "április ápr",
            "május máj",
            "június jún",
            "július júl",
            "augusztus aug",
            "szeptember szept sze",
            "október okt",
            "november nov",
            "december dec",
        ],
    },
    Months {
        language: "ro",
        names: [
            "ianuarie ian",
            "februarie feb",
            "martie mar",
            "aprilie apr",
            "mai",
            "iunie iun",
            "iulie iul",
            "august aug",
            "septembrie sept sep",
            "octombrie oct",
            "noiembrie noi nov",
            "decembrie dec",
        ],
    },
];
