use std::fmt::Write;

/// A text as it can stand in a path or a header: everything but letters, digits and `-._~` is percent-encoded.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_never_reserved_stays() {
        assert_eq!(percent_encoded("claude-v2:0/a_b.c~d"), "claude-v2%3A0%2Fa_b.c~d");
        assert_eq!(percent_encoded("50 % ä"), "50%20%25%20%C3%A4");
    }
}
