/// What ends a sentence, or sets the words after it apart from those before.
const BREAKS: [char; 6] = ['.', '!', '?', ':', ';', '\n'];
/// Words that may stand between the names of a list.
const LINKS: [&str; 8] = ["and", "or", "in", "for", "at", "of", "to", "the"];
/// Words with a capital that name nothing.
const NOT_NAMES: [&str; 2] = ["I", "JSON"];
/// Most words, quoted texts and numbers that are kept of a question.
const MOST: usize = 1_000;

/// What a question offers to fill values with: its proper nouns and quoted texts, and its numbers. Each is used once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hints {
    words: Vec<String>,
    numbers: Vec<f64>,
    listed: Vec<String>,
}

impl Hints {
    /// The hints of a text, in its order.
    pub(super) fn of(text: &str) -> Self {
        let lists = lists(text);
        let is_list = |list: &&List| list.names.len() > 2 || (list.names.len() == 2 && list.has_and);
        let mut listed = lists.iter().find(is_list).map(|list| list.names.clone()).unwrap_or_default();
        listed.truncate(MOST);
        let mut words: Vec<_> = lists.into_iter().flat_map(|list| list.names).take(MOST).collect();
        for quote in quotes(text).into_iter().take(MOST) {
            if words.iter().all(|word| word != quote) {
                words.push(quote.to_owned());
            }
        }
        Self { words, numbers: numbers(text), listed }
    }

    /// The proper nouns that stand in a list, such as `in Paris and in London`; none where there is no list.
    pub(super) fn listed(&self) -> &[String] {
        &self.listed
    }

    /// The same hints, with this name before all others and without the rest of its list.
    pub(super) fn about(&self, name: &str) -> Self {
        let others = self.words.iter().filter(|word| !self.listed.contains(word)).cloned();
        Self {
            words: std::iter::once(name.to_owned()).chain(others).collect(),
            numbers: self.numbers.clone(),
            listed: Vec::new(),
        }
    }

    /// The first word that fits.
    pub(super) fn take_word(&mut self, mut fits: impl FnMut(&str) -> bool) -> Option<String> {
        let place = self.words.iter().position(|word| fits(word))?;
        Some(self.words.remove(place))
    }

    /// The first number that fits.
    pub(super) fn take_number(&mut self, fits: impl Fn(f64) -> bool) -> Option<f64> {
        let place = self.numbers.iter().position(|number| fits(*number))?;
        Some(self.numbers.remove(place))
    }
}

/// Proper nouns that are joined by commas and by "and"; most lists are of one.
struct List {
    names: Vec<String>,
    has_and: bool,
}

/// What stood between a name and the word that is looked at.
#[derive(Default)]
struct Between {
    comma: bool,
    and: bool,
    other: bool,
}

impl Between {
    fn pass(&mut self, gap: &str) {
        self.comma |= gap.contains(',');
        self.other |= gap.contains(BREAKS);
    }

    fn pass_word(&mut self, word: &str) {
        self.and |= word == "and";
        self.other |= !LINKS.contains(&word);
    }

    fn joins(&self) -> bool {
        !self.other && (self.comma || self.and)
    }
}

fn lists(text: &str) -> Vec<List> {
    let mut lists: Vec<List> = Vec::new();
    let mut between = Between::default();
    let (mut end, mut within_name) = (None, false);
    for (start, word) in words(text) {
        let gap = end.and_then(|end| text.get(end..start));
        between.pass(gap.unwrap_or_default());
        // The first word of a sentence has its capital from there.
        let is_first = gap.is_none_or(|gap| gap.contains(BREAKS));
        if is_first || !is_name(word) {
            between.pass_word(word);
            within_name = false;
        } else {
            let goes_on = within_name && gap.is_some_and(|gap| gap.trim().is_empty());
            match lists.last_mut() {
                Some(list) if goes_on => {
                    if let Some(name) = list.names.last_mut() {
                        name.push(' ');
                        name.push_str(word);
                    }
                }
                Some(list) if between.joins() => {
                    list.names.push(word.to_owned());
                    list.has_and |= between.and;
                }
                _ => lists.push(List { names: vec![word.to_owned()], has_and: false }),
            }
            between = Between::default();
            within_name = true;
        }
        end = Some(start + word.len());
    }
    lists
}

fn is_name(word: &str) -> bool {
    let stem = word.split(['\'', '’']).next().unwrap_or_default();
    word.starts_with(char::is_uppercase) && !NOT_NAMES.contains(&stem)
}

/// The words of a text with their places; hyphens and apostrophes within a word belong to it.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’' | '-');
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text.get(at..)?.find(char::is_alphanumeric)?;
        let rest = text.get(start..)?;
        let word = rest.get(..rest.find(|c| !goes_on(c)).unwrap_or(rest.len()))?;
        at = start + word.len();
        let word = word.trim_end_matches(['\'', '’', '-']);
        let owner = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s"));
        Some((start, owner.unwrap_or(word)))
    })
}

fn quotes(text: &str) -> Vec<&str> {
    let mut quotes = Vec::new();
    let mut rest = text;
    while let Some((_, from)) = rest.split_once(['"', '“']) {
        let Some((quote, after)) = from.split_once(['"', '”']) else { break };
        if !quote.trim().is_empty() {
            quotes.push(quote);
        }
        rest = after;
    }
    quotes
}

fn numbers(text: &str) -> Vec<f64> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '.' && c != '-');
    let words = words.map(|word| word.trim_end_matches(['.', '-']));
    words
        .filter(|word| word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()))
        .filter_map(|word| word.parse().ok())
        .filter(|number: &f64| number.is_finite())
        .take(MOST)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn listed(text: &str) -> Vec<String> {
        Hints::of(text).listed
    }

    #[test]
    fn names_quotes_and_numbers_are_found_in_order() {
        let hints = Hints::of(
            "What's the weather in New York for 3 days, -2.5 degrees? Say \"hello there\" to Mary-Ann. I'd like JSON.",
        );
        assert_eq!(hints.words, ["New York", "Mary-Ann", "hello there"]);
        assert_eq!(hints.numbers, [3.0, -2.5]);
        assert_eq!(Hints::of("Is 2024-01-05 after gpt-4, nan or inf? Hello.").numbers, [0.0; 0]);
        assert_eq!(Hints::of(""), Hints::default());
    }

    #[test]
    fn lists_are_told_from_names_that_only_stand_near() {
        assert_eq!(listed("What is the weather in Paris and in London?"), ["Paris", "London"]);
        assert_eq!(listed("Compare Paris, New York, and Rome's weather"), ["Paris", "New York", "Rome"]);
        assert_eq!(listed("And in Paris, Rome, Oslo"), ["Paris", "Rome", "Oslo"]);
        assert_eq!(listed("the weather in Boston, Massachusetts"), [""; 0]);
        assert_eq!(listed("the weather in Paris and what of London"), [""; 0]);
        assert_eq!(listed("the weather in Paris. And London"), [""; 0]);
    }

    #[test]
    fn a_name_of_a_list_stands_for_itself_alone() {
        let mut about = Hints::of("Tell Bob of the weather in Paris and London").about("London");
        assert_eq!(about.words, ["London", "Bob"]);
        assert_eq!(about.take_word(|word| word.len() < 4).as_deref(), Some("Bob"));
        assert_eq!(about.take_word(|word| word.len() < 4), None);
    }

    #[test]
    fn no_question_has_more_hints_than_anybody_can_use() {
        let said = |what: fn(usize) -> String| Hints::of(&(0..=MOST).map(what).collect::<Vec<_>>().concat());
        let listed = said(|number| format!(", and N{number}"));
        assert_eq!((listed.listed.len(), listed.words.len()), (MOST, MOST));
        let quoted = said(|number| format!("{number} \"q{number}\" "));
        assert_eq!((quoted.words.len(), quoted.numbers.len()), (MOST, MOST));
    }

    proptest! {
        #[test]
        fn any_text_has_hints(text in "\\PC*|[A-Za-z' \"“”,.’-]*") {
            for word in Hints::of(&text).words {
                prop_assert!(!word.is_empty());
            }
        }
    }
}
