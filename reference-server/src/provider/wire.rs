//! What the mock would send over a wire, for faults to spoil, and a strict reader of what they leave of it.
//!
//! Only an answer that is to go wrong comes this way; without a fault nothing is written as bytes.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Fault, FaultKind};
use crate::domain::inference::{Completion, Embeddings, ProviderError, Usage};

/// What a proxy before the provider shows to people.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head>\
    <body><h1>It works!</h1></body></html>\n";
/// What an error tells that is nobody's business: whoever shows it to a caller can be told by it.
const INTERNALS: &str = "node-7.provider.internal:8443 /srv/model/worker.py";
/// The status of an error that no provider documents.
const UNMAPPED: u16 = 418;

/// A completion on its way through a fault. What can be spoiled of it is the text of its first answer.
pub(super) fn completion(mut sent: Completion, fault: &Fault) -> Result<Completion, ProviderError> {
    // It is still to strike, in the stream.
    if fault.kind == FaultKind::TruncatedStream {
        return Ok(sent);
    }
    sent.answer.text = transfer(&WireCompletion::from(&sent), fault)?.text;
    Ok(sent)
}

/// Embeddings on their way through a fault.
pub(super) fn embeddings(sent: Embeddings, fault: &Fault) -> Result<Embeddings, ProviderError> {
    if fault.kind == FaultKind::TruncatedStream {
        return Ok(sent);
    }
    transfer(&WireEmbeddings::from(sent), fault).map(Embeddings::from)
}

fn transfer<T: Serialize + DeserializeOwned>(sent: &T, fault: &Fault) -> Result<T, ProviderError> {
    let mut reply = Reply::success(sent)?;
    reply.spoil(fault);
    reply.read()
}

/// An answer as bytes.
struct Reply {
    status: u16,
    retry_after: Option<u32>,
    body: Vec<u8>,
}

impl Reply {
    fn success(sent: &impl Serialize) -> Result<Self, ProviderError> {
        match serde_json::to_vec(sent) {
            Ok(body) => Ok(Self { status: 200, retry_after: None, body }),
            Err(error) => Err(ProviderError::Malformed(error.to_string())),
        }
    }

    fn spoil(&mut self, fault: &Fault) {
        match fault.kind {
            FaultKind::MissingFields => self.forget_answer(),
            FaultKind::EmptySuccess => self.body = b"{}".to_vec(),
            FaultKind::Html => self.body = PAGE.as_bytes().to_vec(),
            FaultKind::TruncatedJson => self.body.truncate(self.body.len() / 2),
            FaultKind::Rejected => self.fail(400, "the model does not accept the given input", fault),
            FaultKind::RateLimited => self.fail(429, "too many requests, slow down", fault),
            FaultKind::Unavailable => self.fail(503, "the model has no capacity left", fault),
            FaultKind::UnmappedError => {
                self.status = fault.status.unwrap_or(UNMAPPED);
                let told = fault.message.as_deref().unwrap_or(INTERNALS);
                self.body = json!({ "internal": told }).to_string().into_bytes();
            }
            FaultKind::TruncatedStream => {}
        }
    }

    fn forget_answer(&mut self) {
        if let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(&self.body) {
            members.retain(|name, _| name == "usage");
            self.body = Value::Object(members).to_string().into_bytes();
        }
    }

    fn fail(&mut self, status: u16, message: &str, fault: &Fault) {
        self.status = fault.status.unwrap_or(status);
        self.retry_after = fault.retry_after;
        let message = fault.message.as_deref().unwrap_or(message);
        self.body = json!({ "error": { "message": message } }).to_string().into_bytes();
    }

    /// The answer in it; anything that is not exactly as agreed is an error.
    fn read<T: DeserializeOwned>(self) -> Result<T, ProviderError> {
        if self.status == 200 {
            let read = serde_json::from_slice(&self.body);
            return read.map_err(|error| ProviderError::Malformed(error.to_string()));
        }
        let retry_after = self.retry_after.map(|seconds| Duration::from_secs(seconds.into()));
        let told = serde_json::from_slice::<WireError>(&self.body).map(|told| told.error.message);
        Err(match (self.status, told) {
            (400, Ok(message)) => ProviderError::Rejected(message),
            (429, Ok(message)) => ProviderError::RateLimited { message, retry_after },
            (503, Ok(message)) => ProviderError::Unavailable { message, retry_after },
            (status, _) => {
                ProviderError::Unmapped { status, body: String::from_utf8_lossy(&self.body).into_owned() }
            }
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCompletion {
    text: String,
    usage: WireUsage,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEmbeddings {
    vectors: Vec<Vec<f32>>,
    usage: WireUsage,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireUsage {
    input_tokens: u64,
    output_tokens: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireError {
    error: WireMessage,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireMessage {
    message: String,
}

impl From<&Completion> for WireCompletion {
    fn from(completion: &Completion) -> Self {
        Self { text: completion.answer.text.clone(), usage: completion.usage.into() }
    }
}

impl From<Embeddings> for WireEmbeddings {
    fn from(Embeddings { vectors, usage }: Embeddings) -> Self {
        Self { vectors, usage: usage.into() }
    }
}

impl From<WireEmbeddings> for Embeddings {
    fn from(WireEmbeddings { vectors, usage }: WireEmbeddings) -> Self {
        Self { vectors, usage: usage.into() }
    }
}

impl From<Usage> for WireUsage {
    fn from(Usage { input_tokens, output_tokens, .. }: Usage) -> Self {
        Self { input_tokens, output_tokens }
    }
}

impl From<WireUsage> for Usage {
    fn from(WireUsage { input_tokens, output_tokens }: WireUsage) -> Self {
        Self::of(input_tokens, output_tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inference::Answer;

    const USAGE: Usage = Usage::of(11, 7);

    fn answer() -> Completion {
        Completion { answer: Answer::of_text("Grüße 🙂"), more: Vec::new(), usage: USAGE }
    }

    fn vectors() -> Embeddings {
        Embeddings { vectors: vec![vec![0.25, -0.1], vec![1.0, 0.0]], usage: USAGE }
    }

    fn failed(fault: &Fault) -> ProviderError {
        let error = completion(answer(), fault).unwrap_err();
        assert!(embeddings(vectors(), fault).is_err(), "{fault:?}");
        error
    }

    #[test]
    fn what_no_fault_spoils_is_read_as_it_was_sent() {
        let sent = WireCompletion::from(&answer());
        let read: WireCompletion = Reply::success(&sent).unwrap().read().unwrap();
        assert_eq!((read.text, Usage::from(read.usage)), (answer().answer.text, USAGE));
        let sent = WireEmbeddings::from(vectors());
        let read: WireEmbeddings = Reply::success(&sent).unwrap().read().unwrap();
        assert_eq!(Embeddings::from(read), vectors());
    }

    #[test]
    fn a_spoiled_success_is_malformed_in_its_own_way() {
        for (kind, told) in [
            (FaultKind::MissingFields, "missing field `text`"),
            (FaultKind::EmptySuccess, "missing field `text`"),
            (FaultKind::Html, "expected value at line 1 column 1"),
            (FaultKind::TruncatedJson, "EOF while parsing"),
        ] {
            let ProviderError::Malformed(problem) = failed(&kind.into()) else { panic!("{kind}") };
            assert!(problem.contains(told), "{kind}: {problem}");
        }
        let missing = embeddings(vectors(), &FaultKind::MissingFields.into()).unwrap_err();
        assert!(missing.to_string().contains("malformed: missing field `vectors`"), "{missing}");
    }

    #[test]
    fn errors_are_told_by_status_and_body() {
        assert!(matches!(failed(&FaultKind::Rejected.into()), ProviderError::Rejected(_)));
        assert!(matches!(failed(&FaultKind::Unavailable.into()), ProviderError::Unavailable { .. }));
        let limited = Fault {
            retry_after: Some(7),
            message: Some("not so fast".to_owned()),
            ..FaultKind::RateLimited.into()
        };
        let told = ProviderError::RateLimited {
            message: "not so fast".to_owned(),
            retry_after: Some(Duration::from_secs(7)),
        };
        assert_eq!(failed(&limited), told);
    }

    #[test]
    fn an_unknown_error_keeps_its_status_and_its_body() {
        let body = format!("{{\"internal\":\"{INTERNALS}\"}}");
        let unmapped = ProviderError::Unmapped { status: 418, body: body.clone() };
        assert_eq!(failed(&FaultKind::UnmappedError.into()), unmapped);
        // Also under a status that means something with another body.
        let fault = Fault { status: Some(400), ..FaultKind::UnmappedError.into() };
        assert_eq!(failed(&fault), ProviderError::Unmapped { status: 400, body });
        let fault = Fault { status: Some(451), ..FaultKind::Rejected.into() };
        assert!(matches!(failed(&fault), ProviderError::Unmapped { status: 451, .. }));
    }

    #[test]
    fn a_fault_of_streams_leaves_whole_answers_whole() {
        let fault = Fault::from(FaultKind::TruncatedStream);
        assert_eq!(completion(answer(), &fault), Ok(answer()));
        assert_eq!(embeddings(vectors(), &fault), Ok(vectors()));
    }
}
