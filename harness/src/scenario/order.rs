//! The order in which the events of a stream may come, as a small grammar over their kinds.

use std::fmt;
use std::iter::Peekable;
use std::mem;
use std::sync::Arc;
use std::vec::IntoIter;

use thiserror::Error;

/// Deepest nesting of parentheses.
const DEEPEST: u32 = 32;
/// Most names and signs.
const LONGEST: usize = 1_000;

/// An order of events: names of kinds side by side, `( )`, `|`, `*`, `+` and `?`.
///
/// It is read into the states of a machine, as a regular expression is. All states that a sequence of events can be in
/// are kept at a time, so that one pass decides about it, and tells where it went wrong. From each state there is a way
/// to the end: what has led to any is the beginning of something right.
#[derive(Clone, Debug)]
pub struct Order {
    source: Arc<str>,
    states: Arc<[State]>,
    first: usize,
}

/// A state, which leads to the states of these numbers.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing need follow.
    End,
    /// An event of the kind of this place must follow, and leads on.
    Event(usize, usize),
    /// Two ways are open.
    Fork(usize, usize),
}

/// The number of the state in which nothing need follow.
const END: usize = 0;

#[derive(Debug)]
enum Part {
    Kind(usize),
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
        if parser.words.next().is_some() {
            return Err(syntax("a `)` closes nothing".to_owned()));
        }
        let mut states = vec![State::End];
        let first = part.lead_to(END, &mut states);
        Ok(Self { source: source.into(), states: states.into(), first })
    }

    /// Whether events come in this order; each is the place of its kind among the stream's, if it is of one.
    ///
    /// # Errors
    /// How many events there are before the first that no right sequence has at its place; all of them where more must
    /// follow.
    pub fn fits(&self, events: &[Option<usize>]) -> Result<(), usize> {
        let mut reached = self.reached(vec![self.first]);
        for (before, event) in events.iter().enumerate() {
            let next: Vec<_> = reached
                .into_iter()
                .filter_map(|state| match state {
                    State::Event(kind, next) if *event == Some(kind) => Some(next),
                    _ => None,
                })
                .collect();
            if next.is_empty() {
                return Err(before);
            }
            reached = self.reached(next);
        }
        let is_end = |state: &State| matches!(state, State::End);
        if reached.iter().any(is_end) { Ok(()) } else { Err(events.len()) }
    }

    /// The states that these lead to before another event, without the forks on the way.
    fn reached(&self, mut open: Vec<usize>) -> Vec<State> {
        let mut known = vec![false; self.states.len()];
        let mut reached = Vec::new();
        while let Some(number) = open.pop() {
            let is_new = known.get_mut(number).is_some_and(|known| !mem::replace(known, true));
            match self.states.get(number).filter(|_| is_new) {
                Some(State::Fork(one, other)) => open.extend([*one, *other]),
                state => reached.extend(state),
            }
        }
        reached
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Part {
    /// Adds the states that read this and then lead to another; gives the number of the first.
    fn lead_to(&self, next: usize, states: &mut Vec<State>) -> usize {
        match self {
            Self::Kind(kind) => add(State::Event(*kind, next), states),
            Self::Sequence(parts) => parts.iter().rfold(next, |next, part| part.lead_to(next, states)),
            Self::Choice(options) => {
                let firsts: Vec<_> = options.iter().map(|option| option.lead_to(next, states)).collect();
                let both = |one, other| add(State::Fork(one, other), states);
                firsts.into_iter().reduce(both).unwrap_or(next)
            }
            Self::Repeated(part, '?') => {
                let first = part.lead_to(next, states);
                add(State::Fork(first, next), states)
            }
            Self::Repeated(part, sign) => {
                // After each round there may be another; where that begins is known once it is written.
                let fork = add(State::Fork(next, next), states);
                let first = part.lead_to(fork, states);
                if let Some(state) = states.get_mut(fork) {
                    *state = State::Fork(first, next);
                }
                if *sign == '+' { first } else { fork }
            }
        }
    }
}

/// Adds a state; gives its number.
fn add(state: State, states: &mut Vec<State>) -> usize {
    states.push(state);
    states.len() - 1
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
                Some(place) => Ok(Some(Part::Kind(place))),
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
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use regex::Regex;

    use super::*;

    const KINDS: [&str; 4] = ["role", "content", "finish", "usage-1"];

    fn order(source: &str) -> Order {
        Order::parse(source, &KINDS).unwrap()
    }

    /// Events of the kinds with these first letters; other letters are of no kind.
    fn events(letters: &str) -> Vec<Option<usize>> {
        letters.chars().map(|letter| KINDS.iter().position(|kind| kind.starts_with(letter))).collect()
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
            ("((role?)* (content?)+)*", vec!["", "rrcr", "cc"], vec!["f", "rcf"]),
        ] {
            let order = order(source);
            for letters in right {
                assert_eq!(order.fits(&events(letters)), Ok(()), "{source}: {letters}");
            }
            for letters in wrong {
                assert!(order.fits(&events(letters)).is_err(), "{source}: {letters}");
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
            assert_eq!(order(source).fits(&events(letters)), Err(fitting), "{source}: {letters}");
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
    fn the_deepest_and_the_longest_order_can_be_used() {
        let deepest = order(&format!("{}role+{}", "(".repeat(32), ")+".repeat(32)));
        assert_eq!((deepest.fits(&events("rr")), deepest.fits(&events("rrc"))), (Ok(()), Err(2)));
        let longest = order(&"role ".repeat(1_000));
        assert_eq!(longest.fits(&events(&"r".repeat(1_000))), Ok(()));
        assert_eq!(longest.fits(&events(&"r".repeat(1_001))), Err(1_000));
        let widest = order(&format!("({} content)*", "role? |".repeat(300)));
        assert_eq!(widest.fits(&events(&"rc".repeat(1_000))), Ok(()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            source in "(role|content|finish|usage-1|[ ()|*+?x]){0,24}",
            letters in "[rcfu?]{0,8}",
        ) {
            if let Ok(order) = Order::parse(&source, &KINDS) {
                let fitting = order.fits(&events(&letters)).err();
                prop_assert!(fitting.is_none_or(|fitting| fitting <= letters.len()), "{}", source);
            }
        }

        #[test]
        fn it_holds_of_what_a_regular_expression_matches(
            words in vec(select(vec!["role", "content", "finish", "usage-1", "(", ")", "|", "*", "+", "?"]), 1..16),
            letters in "[rcfu]{0,8}",
        ) {
            if let Ok(order) = Order::parse(&words.join(" "), &KINDS) {
                let pattern: String = words.iter().map(|word| &word[..1]).collect();
                let regex = Regex::new(&format!(r"\A(?:{pattern})\z")).unwrap();
                let fits = order.fits(&events(&letters));
                prop_assert_eq!(fits.is_ok(), regex.is_match(&letters), "{}", pattern);
                // What comes before the first event that does not fit is the beginning of something right.
                let fitting = fits.err().unwrap_or(letters.len());
                let beginning = order.fits(&events(&letters[..fitting]));
                prop_assert!(beginning.is_ok() || beginning == Err(fitting), "{}", pattern);
            }
        }
    }
}
