//! What proves that the model thought what a block of thoughts says.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

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
}
