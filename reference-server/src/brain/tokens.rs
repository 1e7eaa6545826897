//! Tokens as OpenAI's `cl100k_base` encoding counts them. Special tokens are ordinary text here.

use std::sync::OnceLock;

use tiktoken::CoreBpe;

/// The last of the encoding's tokens.
pub const LAST: u32 = 100_255;
/// Bytes of the longest token of the encoding.
const LONGEST: usize = 128;
/// Most bytes that are encoded at once. What encoding takes in time and memory grows with what has no blank in it.
const SLICE: usize = 4096;

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
    slices(text).map(|slice| encoding().count(slice) as u64).sum()
}

/// A text in slices, to be counted one by one. No token goes from one to the next, but where thousands of bytes have
/// no blank before a word.
pub fn slices(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (slice, after) = rest.split_at(end_of_slice(rest));
        rest = after;
        (!slice.is_empty()).then_some(slice)
    })
}

/// Where the first slice of a text ends: before the last blank behind a word, because no token goes on there.
fn end_of_slice(text: &str) -> usize {
    if text.len() <= SLICE {
        return text.len();
    }
    let most = text.floor_char_boundary(SLICE);
    let window = text.get(..most).unwrap_or(text);
    let follows_a_word = |at: &usize| {
        window.get(..*at).is_some_and(|before| before.ends_with(|last: char| !last.is_whitespace()))
    };
    window.rmatch_indices(' ').map(|(at, _)| at).find(follows_a_word).unwrap_or(most)
}

/// The text of tokens. Those that are none of the encoding's are left out, and bytes that are no characters replaced.
pub fn text_of(tokens: &[u32]) -> String {
    String::from_utf8_lossy(&encoding().decode(tokens)).into_owned()
}

/// The bytes of each token of a text, in order; joined they are the text.
pub fn pieces(text: &str) -> impl Iterator<Item = Vec<u8>> {
    slices(text).flat_map(|slice| encoding().encode(slice)).map(|token| encoding().decode(&[token]))
}

/// The bytes of some token of the encoding, the same for the same number.
pub fn any(number: u64) -> Vec<u8> {
    let token = number % (u64::from(LAST) + 1);
    encoding().decode(&[u32::try_from(token).unwrap_or_default()])
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
    let (mut end, mut left) = (0, most);
    for slice in slices(text) {
        let tokens = encoding().encode(slice);
        if let Some(kept) = tokens.get(..left).filter(|kept| kept.len() < tokens.len()) {
            end = text.floor_char_boundary(end + encoding().decode(kept).len());
            return text.get(..end).map(str::to_owned);
        }
        end += slice.len();
        left -= tokens.len();
    }
    None
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
        let lengths = (0..=LAST).map(|token| encoding().decode(&[token]).len());
        assert_eq!(lengths.max(), Some(LONGEST));
        assert_eq!(text_of(&[LAST + 1]), "");
        for text in ["", "a", &" ".repeat(1_000), &"-".repeat(1_000), "日本語 🙂"] {
            assert!(at_least(text) <= count(text), "{text:?}");
        }
    }

    #[test]
    fn tokens_are_read_back() {
        let text = "naïve 日本語 🦀";
        let tokens = encoding().encode(text);
        assert_eq!(text_of(&tokens), text);
        assert!(text_of(&encoding().encode("🦀")[..1]).contains('\u{fffd}'));
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
    fn slices_are_bounded_and_change_no_count_where_there_are_blanks() {
        let long = "naïve 日本語  words,\n\n and\t 1234 🦀 \u{a0} ' 's ".repeat(1_000);
        let unbroken = "ä".repeat(10_001);
        for text in ["", "a", &long, &unbroken, &" ".repeat(10_000), &format!("{}a b", " ".repeat(SLICE))] {
            let slices: Vec<_> = slices(text).collect();
            assert_eq!(slices.concat(), *text);
            assert!(slices.iter().all(|slice| slice.len() <= SLICE));
        }
        assert!(slices(&long).count() > 5);
        assert_eq!(count(&long), encoding().count(&long) as u64);
        let most = encoding().encode(&long).len() - 1;
        let taken = take(&long, most).unwrap();
        assert!(long.starts_with(&taken) && taken.len() < long.len(), "{} bytes", taken.len());
        assert_eq!(take(&long, most + 1), None);
    }

    #[test]
    fn pieces_joined_are_the_text() {
        for text in ["", "hello world", "🦀 日本語", &"word ".repeat(2_000)] {
            let pieces: Vec<_> = pieces(text).collect();
            assert_eq!(pieces.len() as u64, count(text));
            assert_eq!(pieces.concat(), text.as_bytes());
        }
        assert_eq!(any(7), any(7 + 100_256));
        assert!((0..100_256).step_by(97).all(|number| !any(number).is_empty()));
    }

    #[test]
    fn a_split_character_is_left_out() {
        assert!(count("🦀") > 1);
        assert_eq!(take("🦀", 1).as_deref(), Some(""));
    }
}
