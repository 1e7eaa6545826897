use regex::Regex;

/// What patterns captured, by the names of their groups.
#[derive(Default)]
pub(super) struct Bindings<'r>(Vec<(&'r str, String)>);

impl<'r> Bindings<'r> {
    /// Whether the pattern is found in the text; keeps what its named groups captured, trimmed.
    pub(super) fn capture(&mut self, pattern: &'r Regex, text: &str) -> bool {
        if pattern.captures_len() == 1 {
            return pattern.is_match(text);
        }
        let Some(found) = pattern.captures(text) else { return false };
        for name in pattern.capture_names().flatten() {
            if let Some(value) = found.name(name) {
                self.0.push((name, value.as_str().trim().to_owned()));
            }
        }
        true
    }

    /// What the group of this name captured, if it took part.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}
