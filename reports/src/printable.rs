use std::borrow::Cow;

/// Text from a gateway, made safe to show.
///
/// A control character would steer the terminal, and an escape sequence would make the JUnit writer swallow what
/// follows it, so both are spelled out as `\u{1b}`. Line ends become `\n`, tabs four spaces.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hazard) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\t' => shown.push_str("    "),
            _ if is_hazard(c) => shown.extend(c.escape_unicode()),
            _ => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// At most `limit` characters of a text from elsewhere in one line: control characters and line ends are spelled out.
pub fn one_line(text: &str, limit: usize) -> String {
    let (shown, rest) = cut(text, limit);
    let mut line = printable(shown).replace('\n', "\\n");
    if !rest.is_empty() {
        line.push('…');
    }
    line
}

/// The text with a sign of the same length in place of each character that [`printable()`] spells out, so that every place in
/// it stays where it is. Tabs and line ends stay what they are.
pub fn masked(text: &str) -> Cow<'_, str> {
    let is_kept = |at: usize, c: char| {
        c == '\t' || c == '\r' && text.get(at + 1..).is_some_and(|rest| rest.starts_with('\n'))
    };
    let is_masked = |(at, c): (usize, char)| is_hazard(c) && !is_kept(at, c);
    if !text.char_indices().any(is_masked) {
        return Cow::Borrowed(text);
    }
    let sign = |(at, c): (usize, char)| match c.len_utf8() {
        _ if !is_masked((at, c)) => c,
        1 => '?',
        2 => '¿',
        _ => char::REPLACEMENT_CHARACTER,
    };
    Cow::Owned(text.char_indices().map(sign).collect())
}

/// The first `limit` characters of a text, and what follows them.
pub(crate) fn cut(text: &str, limit: usize) -> (&str, &str) {
    match text.char_indices().nth(limit) {
        Some((at, _)) => text.split_at(at),
        None => (text, ""),
    }
}

/// Controls, the two characters that XML refuses beside them, and those that reorder what stands around them.
pub(crate) fn is_hazard(c: char) -> bool {
    c != '\n'
        && (c.is_control()
            || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_out_what_would_steer_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\u{0}\u{9b}"), "a\\u{1b}[31mb\\u{0}\\u{9b}");
        assert_eq!(printable("\u{202e}\u{ffff}"), "\\u{202e}\\u{ffff}");
        assert_eq!(printable("one\r\ntwo\rthree\tfour"), "one\ntwo\\u{d}three    four");
        assert!(matches!(printable("ordinary: ünï\ncode"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_masked_text_has_its_places_where_they_were() {
        let text = "a\u{1b}[2J\tb\r\nc\rd\u{9b}\u{202e}e";
        let masked = masked(text);
        assert_eq!(masked, "a?[2J\tb\r\nc?d¿\u{fffd}e");
        assert_eq!(masked.len(), text.len());
        assert!(matches!(super::masked("ünï\r\n\tcode"), Cow::Borrowed(_)));
    }

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut("äöü", 2), ("äö", "ü"));
        assert_eq!(cut("äöü", 3), ("äöü", ""));
        assert_eq!(one_line("a\nbcd", 3), "a\\nb…");
        assert_eq!(one_line("abc", 3), "abc");
    }
}
