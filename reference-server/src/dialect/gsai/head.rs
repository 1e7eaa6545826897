//! How large the head of a request may be.

use axum::http::request::Parts;

use super::error::Refusal;

/// The longest address: path and query, in bytes.
const LONGEST_ADDRESS: usize = 16 * 1024;
/// The largest head: the address, and the names and values of all fields, in bytes.
const LARGEST: usize = 64 * 1024;

/// Refuses a head that is too large.
pub(super) fn check(head: &Parts) -> Result<(), Refusal> {
    let address = head.uri.path_and_query().map_or(0, |address| address.as_str().len());
    if address > LONGEST_ADDRESS {
        return Err(Refusal::AddressTooLong);
    }
    let fields: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if address + fields > LARGEST { Err(Refusal::HeadTooLarge) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn head(address: usize, value: usize) -> Parts {
        let uri = format!("/{}", "a".repeat(address - 1));
        Request::builder().uri(uri).header("x", "v".repeat(value)).body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_head_has_an_end() {
        assert!(check(&head(1, 1)).is_ok());
        assert!(check(&head(LONGEST_ADDRESS, 1)).is_ok());
        assert!(matches!(check(&head(LONGEST_ADDRESS + 1, 1)), Err(Refusal::AddressTooLong)));
        assert!(check(&head(10, LARGEST - 11)).is_ok());
        assert!(matches!(check(&head(10, LARGEST - 10)), Err(Refusal::HeadTooLarge)));
    }
}
