use super::tokens;
use crate::domain::inference::FinishReason;

/// Cuts an answer before the earliest stop text, then after the most tokens; says why it ended.
pub(super) fn cut(mut text: String, stop: &[String], max_tokens: Option<u32>) -> (String, FinishReason) {
    let stops = stop.iter().filter(|stop| !stop.is_empty());
    if let Some(at) = stops.filter_map(|stop| text.find(stop.as_str())).min() {
        text.truncate(at);
    }
    let most = max_tokens.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
    match most.and_then(|most| tokens::take(&text, most)) {
        Some(shorter) => (shorter, FinishReason::Length),
        None => (text, FinishReason::Stop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, stop: &[&str], max_tokens: Option<u32>) -> (String, FinishReason) {
        let stop: Vec<_> = stop.iter().map(|&stop| stop.to_owned()).collect();
        super::cut(text.to_owned(), &stop, max_tokens)
    }

    #[test]
    fn the_earliest_stop_text_ends_the_answer() {
        let (text, reason) = cut("one two three", &["three", "two", ""], None);
        assert_eq!((text.as_str(), reason), ("one ", FinishReason::Stop));
    }

    #[test]
    fn the_token_limit_cuts_what_is_longer_only() {
        assert_eq!(cut("one two three", &[], Some(2)), ("one two".to_owned(), FinishReason::Length));
        assert_eq!(cut("one two three", &[], Some(3)), ("one two three".to_owned(), FinishReason::Stop));
        assert_eq!(cut("one two three", &[], Some(0)), (String::new(), FinishReason::Length));
    }

    #[test]
    fn a_stop_text_within_the_limit_is_the_reason() {
        assert_eq!(cut("one two three", &[" two"], Some(2)), ("one".to_owned(), FinishReason::Stop));
    }
}
