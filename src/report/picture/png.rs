//! Pictures as PNG, drawn by plotters with a font of ours.
//!
//! They are drawn four times as large and averaged down to twice the size, for edges without steps. The file
//! is put together here: a PNG library would bring a second implementation of deflate into everything that
//! unpacks Parquet.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use plotters::prelude::{BitMapBackend, IntoDrawingArea};

use super::svg::{Target, draw};
use super::{Ink, Picture, Undrawable};

/// Pixels of the file in a pixel of the picture.
const DENSITY: usize = 2;
/// Pixels that are averaged to one, across and down.
const SAMPLES: usize = 2;
/// plotters centres the box of a line, in which letters stand high: what they are moved down by, of their size.
const LOWER: f64 = 0.16;
/// Pixels of the file in a metre, at 192 to the inch.
const PER_METRE: u32 = 7559;

impl Picture {
    /// A PNG file of twice its size, in light colours.
    ///
    /// # Errors
    /// A mistake of ours.
    pub fn png(&self) -> Result<Vec<u8>, Undrawable> {
        let [width, height] =
            [self.width, self.height].map(|length| length.round() as usize * DENSITY);
        let drawn = (width * SAMPLES, height * SAMPLES);
        let mut pixels: Vec<u8> = Ink::Paper.light().repeat(drawn.0 * drawn.1);
        {
            let size = (drawn.0 as u32, drawn.1 as u32);
            let backend = BitMapBackend::with_buffer(&mut pixels, size);
            let unit = (DENSITY * SAMPLES) as f64;
            let target = Target { unit, lower: LOWER, is_vector: false };
            draw(&self.shapes, backend.into_drawing_area(), target)?;
        }
        file(width as u32, height as u32, &averaged(&pixels, width, height))
            .map_err(|error| Undrawable(error.to_string()))
    }
}

/// Lines of pixels, each after a byte that says that it is not filtered.
fn averaged(pixels: &[u8], width: usize, height: usize) -> Vec<u8> {
    let row_bytes = width * SAMPLES * 3;
    let mut lines = Vec::with_capacity(height * (1 + width * 3));
    for y in 0..height {
        lines.push(0);
        for x in 0..width {
            for channel in 0..3 {
                let sample = |idx: usize| {
                    let (down, across) = (idx / SAMPLES, idx % SAMPLES);
                    let at =
                        (y * SAMPLES + down) * row_bytes + (x * SAMPLES + across) * 3 + channel;
                    pixels.get(at).copied().map_or(0, u32::from)
                };
                let n = (SAMPLES * SAMPLES) as u32;
                let sum: u32 = (0..SAMPLES * SAMPLES).map(sample).sum();
                lines.push(((sum + n / 2) / n) as u8);
            }
        }
    }
    lines
}

/// PNG (ISO 15948): eight bits a channel, red, green, blue.
fn file(width: u32, height: u32, lines: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    let mut density = [PER_METRE.to_be_bytes(), PER_METRE.to_be_bytes()].concat();
    density.push(1);
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::new(6));
    packer.write_all(lines)?;
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut bytes, *b"IHDR", &header);
    chunk(&mut bytes, *b"pHYs", &density);
    chunk(&mut bytes, *b"IDAT", &packer.finish()?);
    chunk(&mut bytes, *b"IEND", &[]);
    Ok(bytes)
}

fn chunk(bytes: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    bytes.extend((content.len() as u32).to_be_bytes());
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(content);
    bytes.extend(kind);
    bytes.extend(content);
    bytes.extend(sum.sum().to_be_bytes());
}
