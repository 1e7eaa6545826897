//! Texts of a form: of a named format, or found by a regular expression.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::budget::Budget;

/// Longest text that is made, in bytes.
pub(super) const LONGEST: usize = 10_000;
/// What adding a part to a text costs.
const PART: usize = 4;
/// Characters that a class is asked for first.
const USUAL: [char; 8] = ['a', 'A', '0', '1', '-', '_', ' ', '.'];

/// A text of a format that JSON Schema names.
pub(super) fn of_format(format: &str) -> Option<&'static str> {
    Some(match format {
        "date-time" => "2026-01-15T09:30:00Z",
        "date" => "2026-01-15",
        "time" => "09:30:00Z",
        "duration" => "P1D",
        "email" | "idn-email" => "ada@example.com",
        "hostname" | "idn-hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uri" | "uri-reference" | "iri" | "iri-reference" => "https://example.com/",
        "uri-template" => "https://example.com/{id}",
        "uuid" => "123e4567-e89b-42d3-a456-426614174000",
        "json-pointer" => "/name",
        "relative-json-pointer" => "0/name",
        "regex" => "^[a-z]+$",
        _ => return None,
    })
}

/// A text in which an expression is found and that fits, the shortest one first; `least` is a length that may be
/// needed.
pub(super) fn matching(
    expression: &Hir,
    least: usize,
    budget: &mut Budget,
    fits: impl Fn(&str, &mut Budget) -> bool,
) -> Option<String> {
    [0, 1, 2, least].into_iter().find_map(|times| {
        let mut builder = Builder { text: String::new(), times, left: LONGEST };
        let made = builder.add(expression);
        budget.spend((LONGEST - builder.left) * PART)?;
        made?;
        Some(builder.text).filter(|text| fits(text, budget))
    })
}

/// A text that is made along an expression.
struct Builder {
    text: String,
    /// How often what may be repeated is, where the expression leaves it open.
    times: usize,
    /// How many more parts may be added.
    left: usize,
}

impl Builder {
    fn add(&mut self, hir: &Hir) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        match hir.kind() {
            // What stands around the text is looked at when the text is whole.
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.text.push_str(std::str::from_utf8(&literal.0).ok()?),
            HirKind::Class(class) => self.text.push(member(class)?),
            HirKind::Repetition(repetition) => {
                let bound = |times: u32| usize::try_from(times).unwrap_or(usize::MAX);
                let most = repetition.max.map_or(usize::MAX, bound);
                for _ in 0..self.times.min(most).max(bound(repetition.min)) {
                    self.add(&repetition.sub)?;
                }
            }
            HirKind::Capture(capture) => self.add(&capture.sub)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.add(part))?,
            HirKind::Alternation(choices) => {
                let length = |choice: &&Hir| choice.properties().minimum_len().unwrap_or(usize::MAX);
                self.add(choices.iter().min_by_key(length)?)?;
            }
        }
        (self.text.len() <= LONGEST).then_some(())
    }
}

/// A character of a class, a usual one where it has any.
fn member(class: &Class) -> Option<char> {
    match class {
        Class::Unicode(class) => choose(&class.ranges().iter().map(|range| (range.start(), range.end()))),
        Class::Bytes(class) => {
            choose(&class.ranges().iter().map(|range| (char::from(range.start()), char::from(range.end()))))
        }
    }
}

/// A character of these ranges, which are in order.
fn choose(ranges: &(impl Iterator<Item = (char, char)> + Clone)) -> Option<char> {
    // The usual ones are in the first of hundreds.
    let first = ranges.clone().take_while(|(start, _)| start.is_ascii());
    let within = |usual: &char| first.clone().any(|(start, end)| (start..=end).contains(usual));
    let printable = || ranges.clone().flat_map(|(start, end)| [start, end]).find(|edge| !edge.is_control());
    let any = || ranges.clone().next().map(|(start, _)| start);
    USUAL.into_iter().find(within).or_else(printable).or_else(any)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn made(pattern: &str, least: usize, fits: impl Fn(&str) -> bool) -> Option<String> {
        let expression = regex_syntax::parse(pattern).ok()?;
        matching(&expression, least, &mut Budget::default(), |text, _| fits(text))
    }

    fn shortest(pattern: &str) -> Option<String> {
        let regex = Regex::new(pattern).unwrap();
        made(pattern, 0, |text| regex.is_match(text))
    }

    #[test]
    fn the_shortest_match_is_built() {
        for (pattern, text) in [
            ("^[A-Z]{3}-\\d{2}$", "AAA-00"),
            ("^(longer|one)s?$", "one"),
            ("^\\w+@[b-z]+\\.com$", "a@b.com"),
            ("^[^a-zA-Z0-9]$", "-"),
            ("", ""),
            ("^(?:é|ü{2})$", "é"),
        ] {
            assert_eq!(shortest(pattern).as_deref(), Some(text), "{pattern}");
        }
    }

    #[test]
    fn a_match_can_be_made_longer_and_not_endless() {
        let regex = Regex::new("^[a-z]+$").unwrap();
        let long = made("^[a-z]+$", 7, |text| regex.is_match(text) && text.len() >= 7);
        assert_eq!(long.as_deref(), Some("aaaaaaa"));
        assert_eq!(made("(a{1000}){1000}", 0, |_| true), None);
        assert_eq!(made("^a$", 0, |text| text == "b"), None);
    }

    #[test]
    fn what_is_made_in_vain_is_paid_for() {
        let mut budget = Budget::default();
        let endless = regex_syntax::parse("(a{1000}){1000}").unwrap();
        assert_eq!(matching(&endless, 0, &mut budget, |_, _| true), None);
        assert_eq!(Budget::default().left() - budget.left(), 4 * LONGEST * PART);
    }

    #[test]
    fn every_format_has_a_text_that_is_one() {
        for format in [
            "date-time",
            "date",
            "time",
            "duration",
            "email",
            "hostname",
            "ipv4",
            "ipv6",
            "uri",
            "uri-reference",
            "iri",
            "uri-template",
            "uuid",
            "json-pointer",
            "relative-json-pointer",
            "regex",
        ] {
            let schema = serde_json::json!({ "format": format });
            let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
            assert!(validator.is_valid(&of_format(format).unwrap().into()), "{format}");
        }
    }

    proptest! {
        #[test]
        fn simple_expressions_are_always_met(
            parts in proptest::collection::vec("[a-z]{1,3}[+?*]|\\[[a-f]-[g-z]\\]\\{[1-3],[4-6]\\}|\\\\d\\+|\\([a-z]\\|[0-9]{2}\\)", 0..6)
        ) {
            let pattern = format!("^{}$", parts.concat());
            let text = shortest(&pattern);
            prop_assert!(text.is_some(), "{}", pattern);
        }

        #[test]
        fn any_pattern_is_borne(pattern in "\\PC{0,24}") {
            made(&pattern, 3, |text| text.len() > 3);
        }
    }
}
