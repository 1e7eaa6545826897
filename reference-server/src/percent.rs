//! Percent-encoded text.

/// The text behind its percent-encoding. What is no encoding stays as it is, and what is no UTF-8 is replaced.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(hexadecimal);
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The value of a field of a form, or of a query.
pub(crate) fn field(form: &str, name: &str) -> Option<String> {
    let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(other, _)| *other == name).map(|(_, value)| decoded(&value.replace('+', " ")))
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let value =
        digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))?;
    value.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_the_rest_stays() {
        assert_eq!(decoded("a%3Ab%2fc"), "a:b/c");
        assert_eq!(decoded("%C3%BC+1"), "ü+1");
        assert_eq!(decoded("100%, %zz %4"), "100%, %zz %4");
        assert_eq!(decoded("%FF"), "\u{fffd}");
    }

    #[test]
    fn a_field_of_a_form_is_found_by_its_name() {
        let form = "grant_type=urn%3Aietf&assertion=a.b-c_d&text=two+words&empty=";
        assert_eq!(field(form, "grant_type").as_deref(), Some("urn:ietf"));
        assert_eq!(field(form, "assertion").as_deref(), Some("a.b-c_d"));
        assert_eq!(field(form, "text").as_deref(), Some("two words"));
        assert_eq!(field(form, "empty").as_deref(), Some(""));
        assert_eq!(field(form, "type"), None);
    }
}
