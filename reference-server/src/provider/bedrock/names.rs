use std::collections::{HashMap, HashSet};

/// Characters of the longest name that is made, before the number that may follow it; the wire takes 200.
const LONGEST: usize = 180;
/// What a file is called whose name says nothing that the wire takes.
const NAMELESS: &str = "file";

/// The names of the documents of a request, of which no two may be the same. They are of letters, digits, single blanks
/// and few marks.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// The number that a name is tried with next.
    next: HashMap<String, u32>,
}

impl Names {
    /// A name that no other document has: this one as far as the wire takes it.
    pub(super) fn name(&mut self, given: Option<&str>) -> String {
        let plain = plain(given.unwrap_or_default());
        let number = self.next.entry(plain.clone()).or_insert(1);
        loop {
            let name = if *number == 1 { plain.clone() } else { format!("{plain} ({number})") };
            *number = number.saturating_add(1);
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

fn plain(name: &str) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-()[]".contains(letter);
    let words: Vec<_> = name.split(|letter| !fits(letter)).filter(|word| !word.is_empty()).collect();
    let mut name = words.join(" ");
    // What fits takes one byte a character.
    name.truncate(LONGEST);
    match name.trim_end() {
        "" => NAMELESS.to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_what_the_wire_takes() {
        let name = |given: &str| Names::default().name(Some(given));
        for (given, expected) in [
            ("report", "report"),
            ("annual  report_2026.pdf", "annual report 2026 pdf"),
            ("a (1) [b]-c", "a (1) [b]-c"),
            (" ../é.", "file"),
            ("", "file"),
        ] {
            assert_eq!(name(given), expected);
        }
        assert_eq!(name(&"ab ".repeat(100)).len(), LONGEST - 1);
    }

    #[test]
    fn no_two_names_are_the_same() {
        let mut names = Names::default();
        let given = [Some("a (2)"), Some("a"), Some("a"), Some("a"), None, None];
        let made = given.map(|given| names.name(given));
        assert_eq!(made, ["a (2)", "a", "a (3)", "a (4)", "file", "file (2)"]);
    }
}
