//! "Did you mean …?"

/// How much a word must look like a known one to be meant, from 0 to 1.
const LIKENESS: f64 = 0.8;
/// So many known words are listed; more would be no help.
const LISTED: usize = 24;

/// The known word that was probably meant.
pub(crate) fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = known.into_iter().map(|known| (strsim::jaro_winkler(word, known), known));
    let likely = likeness.filter(|(likeness, _)| *likeness >= LIKENESS);
    likely.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, known)| known)
}

/// A hint that proposes the likeliest of the known words, or lists them.
pub(crate) fn hint_among<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(meant) = meant(word, known.clone()) {
        return Some(format!("did you mean `{meant}`?"));
    }
    let known: Vec<_> = known.into_iter().collect();
    (1..=LISTED).contains(&known.len()).then(|| format!("known here: {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_is_proposed_or_all_are_listed() {
        let known = ["openai", "anthropic"];
        assert_eq!(hint_among("opnai", known).as_deref(), Some("did you mean `openai`?"));
        assert_eq!(hint_among("x", known).as_deref(), Some("known here: openai, anthropic"));
        assert_eq!(hint_among("x", []), None);
        assert_eq!(hint_among("x", ["word"; LISTED + 1]), None);
    }
}
