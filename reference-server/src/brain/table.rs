use std::collections::BTreeMap;

/// Facts that are found by a key standing in a text.
pub(super) struct Table {
    facts: Vec<Fact>,
}

/// One entry of a table.
pub(super) struct Fact {
    /// The key as the table spells it.
    pub(super) key: String,
    /// What is known of it.
    pub(super) value: String,
    words: String,
}

impl Table {
    /// A table of facts by key; a leading "the" of a key belongs to its spelling only.
    pub(super) fn new(facts: BTreeMap<String, String>) -> Self {
        let mut facts: Vec<_> = facts
            .into_iter()
            .map(|(key, value)| {
                let words = words(key.strip_prefix("the ").unwrap_or(&key));
                Fact { key, value, words }
            })
            .collect();
        // "South Korea" is looked for before a "Korea" would be.
        facts.sort_by_key(|fact| std::cmp::Reverse(fact.words.len()));
        Self { facts }
    }

    /// The fact whose key stands in the text as whole words, the longest such key.
    pub(super) fn find(&self, text: &str) -> Option<&Fact> {
        let text = words(text);
        self.facts.iter().find(|fact| text.contains(&fact.words))
    }
}

/// The lower-case words of a text, each between two blanks.
fn words(text: &str) -> String {
    let mut words = " ".to_owned();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        words.extend(word.chars().flat_map(char::to_lowercase));
        words.push(' ');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<String> {
        let table = Table::new(BTreeMap::from([
            ("Niger".to_owned(), "Niamey".to_owned()),
            ("Nigeria".to_owned(), "Abuja".to_owned()),
            ("Guinea".to_owned(), "Conakry".to_owned()),
            ("Equatorial Guinea".to_owned(), "Malabo".to_owned()),
            ("the United States".to_owned(), "Washington".to_owned()),
        ]));
        table.find(text).map(|fact| fact.value.clone())
    }

    #[test]
    fn whole_words_are_found_whatever_their_case_and_neighbors() {
        assert_eq!(value("NIGERIA, please").as_deref(), Some("Abuja"));
        assert_eq!(value("niger").as_deref(), Some("Niamey"));
        assert_eq!(value("the united  states").as_deref(), Some("Washington"));
        assert_eq!(value("Nigerian food"), None);
        assert_eq!(value(""), None);
    }

    #[test]
    fn the_longest_key_wins() {
        assert_eq!(value("equatorial Guinea").as_deref(), Some("Malabo"));
    }
}
