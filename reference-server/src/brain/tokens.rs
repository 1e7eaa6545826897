//! Tokens as OpenAI's `cl100k_base` encoding counts them. Special tokens are ordinary text here.

use std::sync::OnceLock;

use tiktoken::CoreBpe;

/// Bytes of the longest token of the encoding.
const LONGEST: usize = 128;

static ENCODING: OnceLock<CoreBpe> = OnceLock::new();

/// The encoding, loaded by whoever needs it first.
fn encoding() -> &'static CoreBpe {
    ENCODING.get_or_init(tiktoken::encoding::cl100k_base)
}

/// Loads the encoding, which takes milliseconds; a server does it on a thread of its own while it starts.
pub fn warm_up() {
    encoding();
}

/// How many tokens a text has.
pub fn count(text: &str) -> u64 {
    encoding().count(text) as u64
}

/// How many tokens a text has at least, known without a look into it.
pub fn at_least(text: &str) -> u64 {
    text.len().div_ceil(LONGEST) as u64
}

/// The text of the first `most` tokens, or nothing where the text has no more than these.
///
/// A character that the cut would split is left out whole.
pub fn take(text: &str, most: usize) -> Option<String> {
    // No token is shorter than a byte.
    if text.len() <= most {
        return None;
    }
    let tokens = encoding().encode(text);
    let kept = tokens.get(..most).filter(|kept| kept.len() < tokens.len())?;
    let end = text.floor_char_boundary(encoding().decode(kept).len());
    text.get(..end).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_real_encoding() {
        assert_eq!(count("hello world"), 2);
        assert_eq!(count("tiktoken is great!"), 6);
        assert_eq!(count(""), 0);
    }

    #[test]
    fn no_token_is_longer_than_the_longest() {
        let lengths = (0..100_256).map(|token| encoding().decode(&[token]).len());
        assert_eq!(lengths.max(), Some(LONGEST));
        for text in ["", "a", &" ".repeat(1_000), &"-".repeat(1_000), "日本語 🙂"] {
            assert!(at_least(text) <= count(text), "{text:?}");
        }
    }

    #[test]
    fn taking_gives_a_prefix_of_whole_characters() {
        assert_eq!(take("hello world", 1).as_deref(), Some("hello"));
        assert_eq!(take("hello world", 2), None);
        assert_eq!(take("", 0), None);
        let text = "🦀 日本語 naïve 👩‍👩‍👧 مرحبا";
        let all = usize::try_from(count(text)).unwrap();
        assert_eq!(take(text, all), None);
        for most in 0..all {
            let taken = take(text, most).unwrap();
            assert!(text.starts_with(&taken), "{taken:?}");
            assert!(taken.len() < text.len());
        }
    }

    #[test]
    fn a_split_character_is_left_out() {
        assert!(count("🦀") > 1);
        assert_eq!(take("🦀", 1).as_deref(), Some(""));
    }
}
