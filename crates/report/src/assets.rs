//! The fonts and shared Typst modules that are compiled into the program.

use std::sync::LazyLock;
use typst::foundations::Bytes;
use typst::layout::Abs;
use typst::text::{Font, FontInstance, FontVariant, FontVariations};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The Typst modules that templates import, by their names.
pub fn modules() -> impl Iterator<Item = (&'static str, &'static str)> {
    MODULES.iter().copied()
}

/// The fonts, read once.
pub fn fonts() -> &'static [Font] {
    static READ: LazyLock<Vec<Font>> =
        LazyLock::new(|| FONTS.iter().map(|font| Bytes::new(*font)).flat_map(Font::iter).collect());
    &READ
}

/// Width of a character in the first font that has it, relative to the height of the text. Letters that are joined
/// with others can be narrower.
pub fn char_width(sign: char) -> Option<f64> {
    static SIZED: LazyLock<Vec<FontInstance>> = LazyLock::new(|| {
        let sized = |font: &Font| {
            font.clone().instantiate(
                FontVariant::default(),
                Abs::zero(),
                &FontVariations::default(),
            )
        };
        fonts().iter().map(sized).collect()
    });
    let width = |font: &FontInstance| {
        let glyph = font.ttf().glyph_index(sign)?;
        Some(font.x_advance(glyph.0)?.get())
    };
    SIZED.iter().find_map(width)
}
