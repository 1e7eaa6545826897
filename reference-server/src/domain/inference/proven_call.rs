//! What proves to a model that a call of a tool follows from its thoughts. It travels within the call's id: nothing else of
//! a call comes back on every wire. Only who can tell what it proves is sent it again.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use super::{ToolCall, ToolResult};

/// What stands in an id before a proof.
const MARK: &str = "_thought-signature_";

impl ToolCall {
    /// An id with a proof in it, in letters that every wire takes in an id; without it where it is not in Base64.
    pub fn proven_id(id: &str, proof: &str) -> String {
        match BASE64_STANDARD.decode(proof) {
            Ok(bytes) if !bytes.is_empty() => format!("{id}{MARK}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)),
            _ => id.to_owned(),
        }
    }

    /// The id without the proof.
    pub fn plain_id(&self) -> &str {
        plain(&self.id)
    }

    /// The proof, as it came.
    pub fn proof(&self) -> Option<String> {
        let (_, proof) = self.id.split_once(MARK)?;
        Some(BASE64_STANDARD.encode(BASE64_URL_SAFE_NO_PAD.decode(proof).ok()?))
    }
}

impl ToolResult {
    /// The id of the call without its proof.
    pub fn plain_id(&self) -> &str {
        plain(&self.call_id)
    }
}

fn plain(id: &str) -> &str {
    id.split_once(MARK).map_or(id, |(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: String) -> ToolCall {
        ToolCall { id, name: "f".to_owned(), arguments: "{}".to_owned() }
    }

    #[test]
    fn a_proof_comes_back_as_it_was() {
        for proof in ["c2ln", "+/8=", "AA=="] {
            let call = call(ToolCall::proven_id("call_1", proof));
            assert!(call.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            assert_eq!((call.plain_id(), call.proof().as_deref()), ("call_1", Some(proof)));
            let result = ToolResult { call_id: call.id, text: String::new(), is_error: false };
            assert_eq!(result.plain_id(), "call_1");
        }
        for none in ["", "no Base64"] {
            let call = call(ToolCall::proven_id("call_1", none));
            assert_eq!((call.id.as_str(), call.plain_id(), call.proof()), ("call_1", "call_1", None));
        }
    }
}
