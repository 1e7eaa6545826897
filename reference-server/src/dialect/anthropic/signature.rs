//! What proves that the model thought what a block of thoughts says.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use crate::domain::inference::Thinking;

/// Keeps a signature from being the plain digest of its thoughts.
const SALT: &[u8] = b"plumbline: these are the thoughts of the model\n";

/// Signs thoughts as they come.
pub(in crate::dialect) struct Signer(Sha256);

impl Signer {
    /// A signer that has heard nothing yet.
    pub(in crate::dialect) fn new() -> Self {
        Self(Sha256::new_with_prefix(SALT))
    }

    /// Hears more thoughts.
    pub(in crate::dialect) fn hear(&mut self, thoughts: &str) {
        self.0.update(thoughts.as_bytes());
    }

    /// The signature of all that was heard.
    pub(in crate::dialect) fn sign(self) -> String {
        let digest: [u8; 32] = self.0.finalize().into();
        BASE64_STANDARD.encode(digest)
    }
}

/// What a model says that proves its thoughts, or nothing. For one in this process, which says nothing, it is made here.
pub(in crate::dialect) fn of_model(thinking: &Thinking, is_here: bool) -> String {
    match &thinking.signature {
        Some(signature) => signature.clone(),
        None if is_here => of(&thinking.text),
        None => String::new(),
    }
}

/// The signature of these thoughts.
pub(in crate::dialect) fn of(thoughts: &str) -> String {
    let mut signer = Signer::new();
    signer.hear(thoughts);
    signer.sign()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_are_signed_alike_in_pieces_and_in_whole() {
        let mut signer = Signer::new();
        for piece in ["One ", "", "two."] {
            signer.hear(piece);
        }
        assert_eq!(signer.sign(), of("One two."));
        assert_ne!(of("One two."), of("One two!"));
    }

    #[test]
    fn what_a_model_says_itself_is_passed_on() {
        let thinking = Thinking::of_text("One two.");
        assert_eq!(of_model(&thinking, true), of("One two."));
        assert_eq!(of_model(&thinking, false), "");
        let signature = Some("c2ln".to_owned());
        assert_eq!(of_model(&Thinking { signature, ..thinking }, true), "c2ln");
    }
}
