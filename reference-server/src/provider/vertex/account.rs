use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::inference::ProviderError;
use crate::provider::http::Secret;

/// Where tokens are given, if the key does not say.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// What a token is to be good for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How long an assertion is good, in seconds: the longest that is taken.
const LIFETIME: i64 = 3_600;

/// A service account of Google's: who signs what a token is given for.
#[derive(Clone)]
pub struct ServiceAccount {
    email: String,
    key_id: Option<String>,
    key: Arc<KeyPair>,
    token_uri: Url,
}

/// Why a key of a service account cannot be used. Nothing of the key is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceAccountError {
    /// It is not JSON of the right form.
    #[error("the service account's key is not as Google gives keys out, at line {line}, column {column}")]
    Malformed {
        /// The line of the problem, from 1.
        line: usize,
        /// Its column, from 1.
        column: usize,
    },
    /// Something is not there.
    #[error("the service account's key has no `{0}`")]
    Missing(&'static str),
    /// The private key cannot sign.
    #[error("the service account's private key is not one of RSA, in the form of PKCS #8")]
    PrivateKey,
    /// The address at which tokens are given is none.
    #[error("the service account's `token_uri` is no address")]
    TokenUri,
}

/// A key as Google gives it out.
#[derive(Deserialize)]
struct KeyFile {
    client_email: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<String>,
    token_uri: Option<String>,
}

#[derive(Serialize)]
struct Head<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl ServiceAccount {
    /// The account whose key in JSON this is.
    ///
    /// # Errors
    /// When it is not a key that can be signed with.
    pub fn read(json: &Secret) -> Result<Self, ServiceAccountError> {
        use ServiceAccountError::{Malformed, Missing, PrivateKey, TokenUri};
        let file = serde_json::from_str(json.reveal());
        let file: KeyFile = file.map_err(|error| Malformed { line: error.line(), column: error.column() })?;
        let pem = file.private_key.ok_or(Missing("private_key"))?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| PrivateKey)?;
        let key = KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| PrivateKey)?;
        let token_uri = file.token_uri.as_deref().unwrap_or(TOKEN_URI).parse::<Url>();
        Ok(Self {
            email: file.client_email.ok_or(Missing("client_email"))?,
            key_id: file.private_key_id,
            key: Arc::new(key),
            token_uri: token_uri.ok().filter(Url::has_host).ok_or(TokenUri)?,
        })
    }

    /// Where tokens are given.
    pub(super) fn token_uri(&self) -> &Url {
        &self.token_uri
    }

    /// What proves at an address, from this second on, who asks there for a token (RFC 7523).
    pub(super) fn assertion(&self, audience: &Url, now: i64) -> Result<String, ProviderError> {
        let unsigned = |_| ProviderError::Credentials("the service account cannot sign".to_owned());
        let head = Head { alg: "RS256", typ: "JWT", kid: self.key_id.as_deref() };
        let (iss, aud) = (self.email.as_str(), audience.as_str());
        let claims = Claims { iss, scope: SCOPE, aud, iat: now, exp: now.saturating_add(LIFETIME) };
        let signed = format!("{}.{}", encoded(&head)?, encoded(&claims)?);
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(unsigned)?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn encoded(part: &impl Serialize) -> Result<String, ProviderError> {
    let json = serde_json::to_vec(part).map_err(|error| ProviderError::Credentials(error.to_string()))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::{Value, json};

    use super::*;
    use crate::upstream::{ProviderKind, access};

    /// The key of the account that the simulator knows.
    fn key() -> Value {
        let mut known = access("http://upstream:9090").into_iter();
        let vertex = known.find(|access| access.provider == ProviderKind::Vertex).unwrap();
        let mut credentials = vertex.credentials.into_iter();
        credentials.find(|(name, _)| *name == "service_account").unwrap().1
    }

    fn read(key: &Value) -> Result<ServiceAccount, ServiceAccountError> {
        ServiceAccount::read(&Secret::new(&key.to_string()))
    }

    #[test]
    fn an_assertion_says_who_asks_and_is_signed() {
        let account = read(&key()).unwrap();
        assert_eq!(account.token_uri().as_str(), "http://upstream:9090/google/token");
        let audience = "http://upstream:9090/~w/x/google/token".parse().unwrap();
        let assertion = account.assertion(&audience, 1_800_000_000).unwrap();
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let (head, claims) = signed.split_once('.').unwrap();
        let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        let json = |text: &str| serde_json::from_slice::<Value>(&decoded(text)).unwrap();
        assert_eq!(json(head), json!({ "alg": "RS256", "typ": "JWT", "kid": key()["private_key_id"] }));
        assert_eq!(
            json(claims),
            json!({
                "iss": key()["client_email"],
                "scope": "https://www.googleapis.com/auth/cloud-platform",
                "aud": "http://upstream:9090/~w/x/google/token",
                "iat": 1_800_000_000,
                "exp": 1_800_003_600,
            })
        );
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, account.key.public().as_ref());
        assert!(public.verify(signed.as_bytes(), &decoded(signature)).is_ok());
    }

    #[test]
    fn a_key_that_is_none_is_told_without_showing_it() {
        let changed = |name: &str, value: Value| {
            let mut key = key();
            key[name] = value;
            read(&key).err().unwrap()
        };
        assert_eq!(changed("client_email", Value::Null), ServiceAccountError::Missing("client_email"));
        assert_eq!(changed("private_key", Value::Null), ServiceAccountError::Missing("private_key"));
        assert_eq!(changed("token_uri", json!("nowhere")), ServiceAccountError::TokenUri);
        assert_eq!(changed("private_key", json!("secret")), ServiceAccountError::PrivateKey);
        let wrong = ServiceAccount::read(&Secret::new("\"secret\"")).err().unwrap();
        assert!(!wrong.to_string().contains("secret"), "{wrong}");
    }
}
