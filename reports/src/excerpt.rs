use crate::printable::cut;

/// The part of a text that is worth showing, and what surrounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt<'t> {
    pub(crate) before: &'t str,
    pub(crate) shown: &'t str,
    pub(crate) after: &'t str,
}

impl<'t> Excerpt<'t> {
    /// At most so many characters of a text: its beginning, or what surrounds a place that lies behind it.
    pub(crate) fn new(text: &'t str, limit: usize, place: usize) -> Self {
        let (beginning, rest) = cut(text, limit);
        let margin = limit / 4;
        if rest.is_empty() || place.saturating_add(margin) <= beginning.len() {
            return Self { before: "", shown: beginning, after: rest };
        }
        let start = place.saturating_sub(margin).min(text.len().saturating_sub(limit));
        let (before, rest) = text.split_at(text.floor_char_boundary(start));
        let (shown, after) = cut(rest, limit);
        Self { before, shown, after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_beginning_unless_the_place_lies_behind_it() {
        let text = "abcdefghijklmnopqrstuvwxyz";
        for (limit, place, parts) in [
            (26, 25, ("", text, "")),
            (8, 0, ("", "abcdefgh", "ijklmnopqrstuvwxyz")),
            (8, 6, ("", "abcdefgh", "ijklmnopqrstuvwxyz")),
            (8, 10, ("abcdefgh", "ijklmnop", "qrstuvwxyz")),
            (8, 25, ("abcdefghijklmnopqr", "stuvwxyz", "")),
            (8, 999, ("abcdefghijklmnopqr", "stuvwxyz", "")),
        ] {
            let Excerpt { before, shown, after } = Excerpt::new(text, limit, place);
            assert_eq!((before, shown, after), parts, "{limit}, {place}");
        }
        let umlauts = Excerpt::new("äöüäöüäöü", 4, 12);
        assert_eq!(umlauts, Excerpt { before: "äöüäö", shown: "üäöü", after: "" });
    }
}
