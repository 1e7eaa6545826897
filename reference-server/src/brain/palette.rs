use std::cmp::Reverse;
use std::collections::BTreeMap;

use image::{DynamicImage, GenericImageView, Rgba};

/// Samples along each side of an image.
const GRID: u32 = 32;

/// The name of the color that most of an image has, transparent parts seen on white.
pub(super) fn dominant(image: &DynamicImage) -> &'static str {
    let (width, height) = image.dimensions();
    let mut counts = BTreeMap::<&'static str, u32>::new();
    for row in 0..GRID {
        for column in 0..GRID {
            let (x, y) = (middle(column, width), middle(row, height));
            if x < width && y < height {
                *counts.entry(name(on_white(image.get_pixel(x, y)))).or_default() += 1;
            }
        }
    }
    counts.into_iter().max_by_key(|(name, count)| (*count, Reverse(*name))).map_or("white", |(name, _)| name)
}

/// The middle of a cell of the grid. Sides are far below what would overflow.
fn middle(cell: u32, side: u32) -> u32 {
    (2 * cell + 1).saturating_mul(side) / (2 * GRID)
}

fn on_white(Rgba([red, green, blue, alpha]): Rgba<u8>) -> [i32; 3] {
    let alpha = i32::from(alpha);
    [red, green, blue].map(|channel| (i32::from(channel) * alpha + 255 * (255 - alpha)) / 255)
}

/// The common name of a color, by brightness, saturation and hue in degrees.
fn name([red, green, blue]: [i32; 3]) -> &'static str {
    let brightest = red.max(green).max(blue);
    let spread = brightest - red.min(green).min(blue);
    if brightest < 40 {
        return "black";
    }
    if spread * 8 < brightest {
        return match brightest {
            ..64 => "black",
            64..216 => "gray",
            _ => "white",
        };
    }
    let hue = if brightest == red {
        (60 * (green - blue) / spread).rem_euclid(360)
    } else if brightest == green {
        120 + 60 * (blue - red) / spread
    } else {
        240 + 60 * (red - green) / spread
    };
    match hue {
        ..15 | 345.. if spread * 2 < brightest => "pink",
        ..15 | 345.. => "red",
        15..45 if brightest < 160 => "brown",
        15..45 => "orange",
        45..70 => "yellow",
        70..165 => "green",
        165..195 => "cyan",
        195..255 => "blue",
        255..300 => "purple",
        300..345 => "pink",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_have_the_names_that_people_give_them() {
        let named = [
            ([0, 0, 0], "black"),
            ([255, 255, 255], "white"),
            ([128, 130, 126], "gray"),
            ([200, 24, 36], "red"),
            ([255, 140, 0], "orange"),
            ([110, 70, 30], "brown"),
            ([255, 225, 50], "yellow"),
            ([40, 160, 60], "green"),
            ([40, 200, 210], "cyan"),
            ([38, 84, 204], "blue"),
            ([0, 0, 110], "blue"),
            ([130, 50, 190], "purple"),
            ([255, 180, 200], "pink"),
        ];
        for (color, expected) in named {
            assert_eq!(name(color), expected, "{color:?}");
        }
    }

    #[test]
    fn the_larger_part_wins_and_transparency_is_white() {
        let image = image::RgbaImage::from_fn(9, 3, |x, _| {
            if x < 6 { Rgba([20, 20, 220, 255]) } else { Rgba([220, 0, 0, 255]) }
        });
        assert_eq!(dominant(&DynamicImage::ImageRgba8(image)), "blue");
        let clear = image::RgbaImage::from_pixel(1, 1, Rgba([0, 0, 0, 0]));
        assert_eq!(dominant(&DynamicImage::ImageRgba8(clear)), "white");
    }
}
