//! Pictures in pixels, made from the SVG documents with the font that is bundled.
//!
//! The fonts of the machine are never asked, so that a chart looks the same everywhere, and is there at all where no
//! font is installed.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};
use std::sync::Arc;

const REGULAR: &[u8] = include_bytes!("../../../assets/font/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("../../../assets/font/DejaVuSans-Bold.ttf");

/// Makes PNGs of SVG documents; holds the fonts, so keep one for all.
pub struct Rasteriser {
    options: Options<'static>,
}

impl Rasteriser {
    pub fn new() -> Rasteriser {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(REGULAR.to_vec());
        fonts.load_font_data(BOLD.to_vec());
        fonts.set_sans_serif_family("DejaVu Sans");
        Rasteriser {
            options: Options {
                fontdb: Arc::new(fonts),
                ..Options::default()
            },
        }
    }

    /// The document as a PNG of its own size.
    ///
    /// # Panics
    /// If the document is not one that [`super::canvas::Canvas`] made.
    pub fn png(&self, svg: &str) -> Vec<u8> {
        let tree = Tree::from_str(svg, &self.options).expect("charts are valid SVG");
        let size = tree.size().to_int_size();
        let mut pixels = Pixmap::new(size.width(), size.height()).expect("charts have a size");
        resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
        pixels.encode_png().expect("encoding to memory does not fail")
    }
}

impl Default for Rasteriser {
    fn default() -> Self {
        Rasteriser::new()
    }
}
