use std::borrow::Cow;

/// Text from a gateway, made safe to show.
///
/// A control character would steer the terminal, and an escape sequence would make the JUnit writer swallow what
/// follows it, so both are spelled out as `\u{1b}`. Line ends become `\n`, tabs four spaces.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
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

/// The first `limit` characters of a text, and what follows them.
pub(crate) fn cut(text: &str, limit: usize) -> (&str, &str) {
    match text.char_indices().nth(limit) {
        Some((at, _)) => text.split_at(at),
        None => (text, ""),
    }
}

/// Controls, the two characters that XML refuses beside them, and those that reorder what stands around them.
fn is_hazard(c: char) -> bool {
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
    fn cuts_between_characters() {
        assert_eq!(cut("äöü", 2), ("äö", "ü"));
        assert_eq!(cut("äöü", 3), ("äöü", ""));
        assert_eq!(one_line("a\nbcd", 3), "a\\nb…");
        assert_eq!(one_line("abc", 3), "abc");
    }
}
