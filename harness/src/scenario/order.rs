//! The order in which the events of a stream may come, as a small grammar over their kinds.

use std::fmt;
use std::iter::Peekable;
use std::sync::{Arc, OnceLock};
use std::vec::IntoIter;

use regex::Regex;
use thiserror::Error;

/// Deepest nesting of parentheses.
const DEEPEST: u32 = 32;
/// Most names and signs.
const LONGEST: usize = 1_000;
/// The first of the characters that stand for kinds, in a plane for private use.
const FIRST_SYMBOL: u32 = 0xF_0000;
/// What stands for an event of no kind, also for private use.
const NO_KIND: char = '\u{E000}';

/// An order of events: names of kinds side by side, `( )`, `|`, `*`, `+` and `?`.
///
/// A sequence of events is a text with one character for each, so that an order is a regular expression. It is compiled
/// when it is first used, as a [`super::Pattern`] is.
#[derive(Clone, Debug)]
pub struct Order {
    source: Arc<str>,
    part: Arc<Part>,
    compiled: Arc<OnceLock<Option<Regex>>>,
}

#[derive(Debug)]
enum Part {
    Kind(char),
    Sequence(Vec<Self>),
    Choice(Vec<Self>),
    Repeated(Box<Self>, char),
}

/// Why a text is no order.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OrderError {
    /// It is malformed.
    #[error("`{order}` is not an order of events: {message}")]
    Syntax {
        /// The text.
        order: String,
        /// What is wrong with it.
        message: String,
    },
    /// It names a kind that the stream does not have.
    #[error("the stream has no kind `{0}`")]
    Kind(String),
}

impl Order {
    /// What stands for an event in a sequence: the character of its kind's place among the stream's, or that of none.
    pub fn symbol(place: Option<usize>) -> char {
        let code = place.and_then(|place| FIRST_SYMBOL.checked_add(u32::try_from(place).ok()?));
        code.and_then(char::from_u32).unwrap_or(NO_KIND)
    }

    /// Reads an order of events of these kinds.
    ///
    /// # Errors
    /// When it is malformed, or names another kind.
    pub fn parse(source: &str, kinds: &[&str]) -> Result<Self, OrderError> {
        let syntax = |message: String| OrderError::Syntax { order: source.to_owned(), message };
        let words = words(source).map_err(syntax)?;
        let mut parser = Parser { words: words.into_iter().peekable(), kinds };
        let part = parser.choice(0).map_err(|fault| match fault {
            Fault::Syntax(message) => syntax(message),
            Fault::Kind(kind) => OrderError::Kind(kind),
        })?;
        match parser.words.next() {
            None => Ok(Self { source: source.into(), part: Arc::new(part), compiled: Arc::default() }),
            Some(_) => Err(syntax("a `)` closes nothing".to_owned())),
        }
    }

    /// Whether events come in this order; each is its [`Order::symbol`].
    pub fn holds(&self, events: &str) -> bool {
        let whole = || {
            let mut pattern = r"\A".to_owned();
            self.part.whole(&mut pattern);
            Regex::new(&(pattern + r"\z")).ok()
        };
        self.compiled.get_or_init(whole).as_ref().is_some_and(|regex| regex.is_match(events))
    }

    /// How many events there are before the first that no right sequence has at its place.
    pub fn fitting(&self, events: &str) -> Option<usize> {
        let mut pattern = r"\A".to_owned();
        self.part.beginning(&mut pattern);
        let regex = Regex::new(&(pattern + r"\z")).ok()?;
        let ends: Vec<_> = events.char_indices().map(|(start, symbol)| start + symbol.len_utf8()).collect();
        // What a right sequence may begin with, it may begin with less of.
        let fits = |end: &usize| events.get(..*end).is_some_and(|beginning| regex.is_match(beginning));
        Some(ends.partition_point(fits))
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Part {
    /// Writes the expression of all that is right.
    fn whole(&self, pattern: &mut String) {
        match self {
            Self::Kind(symbol) => pattern.push(*symbol),
            Self::Sequence(parts) => parts.iter().for_each(|part| part.whole(pattern)),
            Self::Choice(options) => any(options, pattern, Self::whole),
            Self::Repeated(part, sign) => {
                part.whole(pattern);
                pattern.push(*sign);
            }
        }
    }

    /// Writes the expression of all that something right may begin with.
    fn beginning(&self, pattern: &mut String) {
        match self {
            Self::Kind(symbol) => pattern.extend([*symbol, '?']),
            Self::Sequence(parts) => {
                let ends: Vec<_> = (0..parts.len()).collect();
                any(&ends, pattern, |end, pattern| {
                    parts.iter().take(*end).for_each(|part| part.whole(pattern));
                    if let Some(last) = parts.get(*end) {
                        last.beginning(pattern);
                    }
                });
            }
            Self::Choice(options) => any(options, pattern, Self::beginning),
            Self::Repeated(part, sign) => {
                if *sign != '?' {
                    part.whole(pattern);
                    pattern.push('*');
                }
                part.beginning(pattern);
            }
        }
    }
}

/// Writes a group of alternatives.
fn any<T>(options: &[T], pattern: &mut String, write: impl Fn(&T, &mut String)) {
    pattern.push_str("(?:");
    for (index, option) in options.iter().enumerate() {
        if index > 0 {
            pattern.push('|');
        }
        write(option, pattern);
    }
    pattern.push(')');
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word<'s> {
    Name(&'s str),
    Sign(char),
}

fn words(source: &str) -> Result<Vec<Word<'_>>, String> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    let mut words = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|character| !is_name(character)).unwrap_or(rest.len());
        let (word, after) = if length > 0 {
            let (name, after) = rest.split_at(length);
            (Word::Name(name), after)
        } else if "()|*+?".contains(first) {
            (Word::Sign(first), rest.strip_prefix(first).unwrap_or_default())
        } else {
            return Err(format!("`{first}` means nothing here"));
        };
        if words.len() == LONGEST {
            return Err(format!("it has more than {LONGEST} names and signs"));
        }
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

/// What a parser meets.
enum Fault {
    Syntax(String),
    Kind(String),
}

struct Parser<'p> {
    words: Peekable<IntoIter<Word<'p>>>,
    kinds: &'p [&'p str],
}

impl Parser<'_> {
    fn choice(&mut self, depth: u32) -> Result<Part, Fault> {
        let mut options = vec![self.sequence(depth)?];
        while self.words.next_if_eq(&Word::Sign('|')).is_some() {
            options.push(self.sequence(depth)?);
        }
        Ok(Part::Choice(options))
    }

    fn sequence(&mut self, depth: u32) -> Result<Part, Fault> {
        let mut parts = Vec::new();
        while let Some(part) = self.part(depth)? {
            let sign = self.words.next_if(|word| matches!(word, Word::Sign('*' | '+' | '?')));
            parts.push(match sign {
                Some(Word::Sign(sign)) => Part::Repeated(Box::new(part), sign),
                _ => part,
            });
        }
        if parts.is_empty() {
            return Err(Fault::Syntax("the name of a kind is missing".to_owned()));
        }
        Ok(Part::Sequence(parts))
    }

    /// A name or a group, where one follows.
    fn part(&mut self, depth: u32) -> Result<Option<Part>, Fault> {
        match self.words.next_if(|word| !matches!(word, Word::Sign('|' | ')'))) {
            None => Ok(None),
            Some(Word::Name(name)) => match self.kinds.iter().position(|kind| *kind == name) {
                Some(place) => Ok(Some(Part::Kind(Order::symbol(Some(place))))),
                None => Err(Fault::Kind(name.to_owned())),
            },
            Some(Word::Sign('(')) if depth == DEEPEST => {
                Err(Fault::Syntax("it is nested too deeply".to_owned()))
            }
            Some(Word::Sign('(')) => {
                let inner = self.choice(depth + 1)?;
                match self.words.next() {
                    Some(Word::Sign(')')) => Ok(Some(inner)),
                    _ => Err(Fault::Syntax("a `)` is missing".to_owned())),
                }
            }
            Some(Word::Sign(sign)) => Err(Fault::Syntax(format!("`{sign}` follows no kind"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [&str; 4] = ["role", "content", "finish", "usage-1"];

    fn order(source: &str) -> Order {
        Order::parse(source, &KINDS).unwrap()
    }

    /// The first letters of kinds as their symbols; other letters are of no kind.
    fn events(letters: &str) -> String {
        let place = |letter: char| KINDS.iter().position(|kind| kind.starts_with(letter));
        letters.chars().map(|letter| Order::symbol(place(letter))).collect()
    }

    #[test]
    fn events_come_in_their_order() {
        let chat = "role content* finish usage-1?";
        for (source, right, wrong) in [
            (chat, vec!["rf", "rcf", "rcccfu"], vec!["", "r", "cf", "rfc", "rcfuu", "rc?f", "rcfr"]),
            ("role|content finish", vec!["r", "cf"], vec!["rf", "rcf", "c", ""]),
            ("(role | content)+finish", vec!["rf", "crrcf"], vec!["f", "rfc"]),
            ("( role content )*", vec!["", "rcrc"], vec!["r", "rcr", "cr"]),
            ("((role)?content+)", vec!["c", "rcc"], vec!["", "r", "rrc"]),
        ] {
            let order = order(source);
            for letters in right {
                assert!(order.holds(&events(letters)), "{source}: {letters}");
                assert_eq!(order.fitting(&events(letters)), Some(letters.len()), "{source}: {letters}");
            }
            for letters in wrong {
                assert!(!order.holds(&events(letters)), "{source}: {letters}");
            }
        }
    }

    #[test]
    fn the_first_event_that_does_not_fit_is_found() {
        for (source, letters, fitting) in [
            ("role content* finish usage-1?", "cf", 0),
            ("role content* finish usage-1?", "rccrf", 3),
            ("role content* finish usage-1?", "rcfuu", 4),
            ("role content* finish usage-1?", "rcc", 3),
            ("role content* finish usage-1?", "rc?f", 2),
            ("(role content | content role)+ finish", "rccrcc", 5),
            ("(role content)? finish", "rf", 1),
        ] {
            assert_eq!(order(source).fitting(&events(letters)), Some(fitting), "{source}: {letters}");
        }
    }

    #[test]
    fn what_is_no_order_is_refused() {
        for (source, message) in [
            ("", "the name of a kind is missing"),
            ("()", "the name of a kind is missing"),
            ("role | ", "the name of a kind is missing"),
            ("* role", "`*` follows no kind"),
            ("role**", "`*` follows no kind"),
            ("(role content", "a `)` is missing"),
            ("role ) content", "a `)` closes nothing"),
            ("role, content", "`,` means nothing here"),
            ("röle", "`ö` means nothing here"),
        ] {
            let error = Order::parse(source, &["role", "content", "r"]).unwrap_err().to_string();
            assert!(error.contains(message), "{source}: {error}");
        }
        assert_eq!(Order::parse("rolle", &KINDS).unwrap_err(), OrderError::Kind("rolle".to_owned()));
        let deep = format!("{}role{}", "(".repeat(40), ")".repeat(40));
        assert!(Order::parse(&deep, &KINDS).unwrap_err().to_string().contains("nested"));
        let long = "role ".repeat(2_000);
        assert!(Order::parse(&long, &KINDS).unwrap_err().to_string().contains("more than"));
    }

    #[test]
    fn the_deepest_order_can_be_used() {
        let source = format!("{}role+{}", "(".repeat(32), ")+".repeat(32));
        let order = order(&source);
        assert!(order.holds(&events("rr")) && !order.holds(&events("rc")));
        assert_eq!(order.fitting(&events("rrc")), Some(2));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            source in "(role|content|finish|usage-1|[ ()|*+?x]){0,24}",
            letters in "[rcfu?]{0,8}",
        ) {
            if let Ok(order) = Order::parse(&source, &KINDS) {
                let events = events(&letters);
                let fitting = order.fitting(&events);
                prop_assert!(fitting.is_some_and(|fitting| fitting <= letters.len()), "{}", source);
                prop_assert!(!order.holds(&events) || fitting == Some(letters.len()), "{}", source);
            }
        }
    }
}
