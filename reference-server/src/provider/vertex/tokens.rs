//! Tokens for a service account, each kept until shortly before it ends.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::{Url, form_urlencoded};

use super::ServiceAccount;
use crate::domain::inference::ProviderError;
use crate::provider::http::{Client, Endpoint, Failure, Peer, Secret, Timeouts};

/// What is asked for: a token for an assertion.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const FORM: &str = "application/x-www-form-urlencoded";
/// Where the simulator gives tokens, below its own address.
const UPSTREAM: [&str; 2] = ["google", "token"];
/// So many seconds before its end a token is not used any more.
const MARGIN: u64 = 60;
/// No token is kept for more seconds than a day has.
const LONGEST: u64 = 24 * 60 * 60;

/// Where tokens come from. Whoever needs one while it is asked for waits for it.
pub(super) struct Tokens {
    account: ServiceAccount,
    peer: Peer,
    url: Url,
    kept: Mutex<Option<Token>>,
}

/// A token, and until when it is used.
struct Token {
    secret: Secret,
    until: Instant,
}

/// What is given for an assertion.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

/// A token to make a call with.
pub(super) struct Lent {
    pub(super) secret: Secret,
    /// Whether it was asked for just now, and not kept from before.
    pub(super) is_new: bool,
}

impl Tokens {
    /// Those that an account is given where its key says so.
    pub(super) fn new(client: Client, timeouts: Timeouts, account: ServiceAccount) -> Self {
        let url = account.token_uri().clone();
        let peer = Peer::new(client, Endpoint { url: url.clone(), timeouts }, &[]);
        Self { account, peer, url, kept: Mutex::default() }
    }

    /// Those that the simulator gives at this address of its own or of one of its worlds.
    pub(super) fn rebased(&self, upstream: &Url) -> Self {
        let [path, last] = UPSTREAM;
        let peer = self.peer.below(upstream, path, &[]);
        let url = peer.at(last);
        Self { account: self.account.clone(), peer, url, kept: Mutex::default() }
    }

    /// A token that can be used: another one than that which was refused.
    pub(super) async fn token(&self, refused: Option<&Secret>) -> Result<Lent, ProviderError> {
        let mut kept = self.kept.lock().await;
        if let Some(Token { secret, until }) = &*kept
            && *until > Instant::now()
            && Some(secret) != refused
        {
            return Ok(Lent { secret: secret.clone(), is_new: false });
        }
        let token = self.ask().await?;
        let secret = token.secret.clone();
        *kept = Some(token);
        Ok(Lent { secret, is_new: true })
    }

    async fn ask(&self) -> Result<Token, ProviderError> {
        let asked_at = Instant::now();
        let assertion = self.account.assertion(&self.url, Timestamp::now().as_second())?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", GRANT)
            .append_pair("assertion", &assertion)
            .finish();
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(FORM))]);
        let reply = self.peer.post(self.url.clone(), headers, form, None).await?;
        let Granted { access_token, expires_in } = reply.success(refused).await?.json().await?;
        let used = expires_in.min(LONGEST).saturating_sub(MARGIN);
        Ok(Token { secret: Secret::new(&access_token), until: asked_at + Duration::from_secs(used) })
    }
}

/// What a failure means where tokens are given. Of all that can be wrong with the request there, none is the caller's.
fn refused(failure: &Failure) -> ProviderError {
    failure.meaning(|told| {
        let told = told.clone().or(&format!("status {}", failure.status()));
        let is_refusal = matches!(failure.status(), 400..=404 | 422);
        is_refusal.then(|| ProviderError::Credentials(format!("no token is given: {told}")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::http::testing::failure;

    #[test]
    fn who_is_given_no_token_is_not_let_in() {
        let body = json!({ "error": "invalid_grant", "error_description": "Invalid JWT Signature." });
        let told = "no token is given: Invalid JWT Signature.".to_owned();
        assert_eq!(refused(&failure(400, &body)), ProviderError::Credentials(told));
        let told = "no token is given: invalid_scope".to_owned();
        assert_eq!(
            refused(&failure(401, &json!({ "error": "invalid_scope" }))),
            ProviderError::Credentials(told)
        );
        assert!(matches!(refused(&failure(503, &body)), ProviderError::Unavailable { .. }));
        assert!(matches!(refused(&failure(404, &json!("<html>"))), ProviderError::Credentials(_)));
        assert!(matches!(refused(&failure(302, &json!("<html>"))), ProviderError::Unmapped { .. }));
    }
}
