use std::time::SystemTime;

use reqwest::header::HeaderMap;
use url::Url;

use super::signature;
use crate::domain::inference::ProviderError;
use crate::provider::http::{Secret, headers};

/// What requests to AWS are signed with.
#[derive(Clone, Debug)]
pub struct AwsCredentials {
    /// Which key it is, such as `AKIAIOSFODNN7EXAMPLE`.
    pub access_key_id: Secret,
    /// The key itself.
    pub secret_access_key: Secret,
    /// The session that the key belongs to, where it is a temporary one.
    pub session_token: Option<Secret>,
}

/// What lets requests in.
#[derive(Clone, Debug)]
pub(super) enum Access {
    /// A signature, made with these for a region.
    Signature { region: String, credentials: AwsCredentials },
    /// A key that is sent as it is.
    Key(Secret),
}

impl Access {
    /// Everything that nobody is to see.
    pub(super) fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Signature { credentials, .. } => {
                let AwsCredentials { access_key_id, secret_access_key, session_token } = credentials;
                [access_key_id, secret_access_key].into_iter().chain(session_token).collect()
            }
            Self::Key(key) => vec![key],
        }
    }

    /// The headers of a request. A signature is good for a few minutes, and for this address and body only.
    pub(super) fn headers(&self, url: &Url, body: &[u8]) -> Result<HeaderMap, ProviderError> {
        match self {
            Self::Signature { region, credentials } => {
                signature::headers(url, body, region, credentials, SystemTime::now())
            }
            Self::Key(key) => {
                let bearer = format!("Bearer {}", key.reveal());
                headers([("authorization", bearer.as_str())])
            }
        }
    }
}
