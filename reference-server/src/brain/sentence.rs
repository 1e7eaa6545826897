/// What ends a sentence.
pub(super) const TERMINALS: [char; 4] = ['.', '!', '?', '…'];
/// What may stand between the end of a sentence and the blank after it.
const CLOSINGS: [char; 6] = ['"', '\'', '”', '’', ')', ']'];

/// The text with `, word` before the end of every sentence that another one follows.
pub(super) fn end_inner_sentences(text: &str, word: &str) -> String {
    let mut ended = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find(TERMINALS) {
        let (sentence, from) = rest.split_at(at);
        let after = from.trim_start_matches(TERMINALS);
        let (terminals, _) = from.split_at(from.len() - after.len());
        ended.push_str(sentence);
        // A dot within a number, a name or a version ends nothing.
        if after.trim_start_matches(CLOSINGS).starts_with(char::is_whitespace) {
            ended.push_str(", ");
            ended.push_str(word);
        }
        ended.push_str(terminals);
        rest = after;
    }
    ended.push_str(rest);
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ends_of_sentences_are_touched() {
        assert_eq!(
            end_inner_sentences("I am gemini-2.0-flash. Really?! \"Yes.\" It costs 3.5", "meow"),
            "I am gemini-2.0-flash, meow. Really, meow?! \"Yes, meow.\" It costs 3.5"
        );
        assert_eq!(end_inner_sentences("", "meow"), "");
    }
}
