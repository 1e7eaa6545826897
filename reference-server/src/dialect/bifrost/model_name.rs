//! How long the name of a model may be, which answers quote and the log of calls keeps.

use super::error::Refusal;
use crate::dialect::common::read::excerpt;

/// In bytes, with the provider in front.
const LONGEST: usize = 256;

/// That a name is not too long. Of one that is, only the beginning is quoted.
pub(super) fn check(name: &str) -> Result<(), Refusal> {
    if name.len() <= LONGEST {
        return Ok(());
    }
    let message = format!("a model's name may have {LONGEST} bytes, and \"{}\" has more", excerpt(name));
    Err(Refusal::bad_request(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_name_that_is_too_long_the_beginning_is_quoted() {
        let told = |length: usize| check(&"x".repeat(length)).map_err(|refusal| refusal.message.len());
        assert_eq!(told(LONGEST), Ok(()));
        assert!(told(5_000_000).is_err_and(|told| (100..200).contains(&told)));
    }
}
