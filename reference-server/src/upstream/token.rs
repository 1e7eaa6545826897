//! Google's token endpoint: a token for an assertion that a service account has signed (RFC 7523).

use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD_INDIFFERENT;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::credentials::{self, Credentials, ServiceAccount};
use super::provider_kind::ProviderKind;
use super::world::UpstreamWorld;
use crate::dialect::common::body;
use crate::domain::clock::Moment;
use crate::domain::world::World;
use crate::intake::Intake;
use crate::percent;

/// The largest request for a token, in bytes.
const LARGEST: usize = 64 * 1024;
/// How long a token is good, in seconds.
const LIFETIME: i64 = 3_600;
/// How far the clocks of the two may be apart, in seconds.
const SKEW: i64 = 300;
/// How many tokens of a world are good at the same time.
const MOST_TOKENS: usize = 1_000;
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Who the assertion may be for, beside the endpoint's own address.
const AUDIENCES: [&str; 2] =
    ["https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token"];
const UNREASONABLE: &str = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
    Check your iat and exp values in the JWT claim.";

/// The public key of the account, in the form of PKCS #1.
static PUBLIC_KEY: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| {
    let key_pair = Credentials::embedded().ok()?.vertex.key_pair()?;
    Some(key_pair.public().as_ref().to_vec())
});

/// Why there is no token.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    error: &'static str,
    description: String,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    scope: Option<String>,
    iat: i64,
    exp: i64,
}

/// Answers a request for a token.
pub(super) async fn answer(world: &UpstreamWorld, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        let mut response = reply(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "invalid_request" }));
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let form = match body::collect(body, &Intake::new(LARGEST), false).await {
        Ok((bytes, _)) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    };
    let host = head.headers.get(header::HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    let own = format!("http://{}{}", String::from_utf8_lossy(host), head.uri.path());
    let at_vertex = world.provider(ProviderKind::Vertex);
    match is_granted(&form, &own, at_vertex.clock.now()) {
        Ok(()) => {
            let token = issue(at_vertex);
            reply(
                StatusCode::OK,
                &json!({ "access_token": token, "expires_in": LIFETIME - 1, "token_type": "Bearer" }),
            )
        }
        Err(Refusal { error, description }) => {
            reply(StatusCode::BAD_REQUEST, &json!({ "error": error, "error_description": description }))
        }
    }
}

fn reply(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether a form asks for a token in the right way, at an endpoint with this address.
fn is_granted(form: &str, own: &str, now: Moment) -> Result<(), Refusal> {
    let grant = percent::field(form, "grant_type").unwrap_or_default();
    if grant != GRANT {
        return Err(refusal("unsupported_grant_type", format!("Invalid grant_type: {}", excerpt(&grant))));
    }
    let Some(assertion) = percent::field(form, "assertion") else {
        return Err(refusal("invalid_request", "Missing required parameter: assertion"));
    };
    let account =
        &Credentials::embedded().map_err(|error| refusal("server_error", error.to_string()))?.vertex;
    let claims = verified(&assertion, account)?;
    if claims.aud != own && !AUDIENCES.contains(&claims.aud.as_str()) {
        return Err(invalid(format!("Invalid JWT: Failed audience check. The right audience is {own}")));
    }
    let now = now.as_seconds();
    let is_reasonable = claims.iat <= now + SKEW && claims.exp > now && claims.exp <= claims.iat + LIFETIME;
    if !is_reasonable {
        return Err(invalid(UNREASONABLE));
    }
    if claims.scope.is_none_or(|scope| scope.trim().is_empty()) {
        return Err(refusal("invalid_scope", "Invalid OAuth scope or ID token audience provided."));
    }
    Ok(())
}

/// What an assertion claims, if the account has signed it.
fn verified(assertion: &str, account: &ServiceAccount) -> Result<Claims, Refusal> {
    let malformed =
        || invalid("Invalid JWT: it must have a header, claims and a signature, each in base64url.");
    let decoded = |text: &str| URL_SAFE_NO_PAD_INDIFFERENT.decode(text).map_err(|_| malformed());
    let (signed, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
    let (head, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let head: Head = serde_json::from_slice(&decoded(head)?).map_err(|_| malformed())?;
    let claims: Claims = serde_json::from_slice(&decoded(claims)?).map_err(|_| malformed())?;
    if claims.iss != account.client_email {
        return Err(invalid("Invalid grant: account not found"));
    }
    let is_of_key = head.alg == "RS256" && head.kid.is_none_or(|kid| kid == account.private_key_id);
    let key = PUBLIC_KEY.as_deref().filter(|_| is_of_key).ok_or_else(wrongly_signed)?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(signed.as_bytes(), &decoded(signature)?).map_err(|_| wrongly_signed())?;
    Ok(claims)
}

fn wrongly_signed() -> Refusal {
    invalid("Invalid JWT Signature.")
}

fn invalid(description: impl Into<String>) -> Refusal {
    refusal("invalid_grant", description)
}

fn refusal(error: &'static str, description: impl Into<String>) -> Refusal {
    Refusal { error, description: description.into() }
}

fn excerpt(text: &str) -> &str {
    text.get(..text.floor_char_boundary(64)).unwrap_or(text)
}

/// A new token, which is a key of Vertex AI's in the world until it expires.
fn issue(at_vertex: &World) -> String {
    let now = at_vertex.clock.now();
    let tokens = at_vertex.keys.list();
    let too_many = (tokens.len() + 1).saturating_sub(MOST_TOKENS);
    for (age, token) in tokens.iter().enumerate() {
        if age < too_many || token.is_expired(now) {
            at_vertex.keys.remove(token.id);
        }
    }
    let token = format!("ya29.plumbline-{}", Uuid::new_v4().simple());
    let expiry = Moment::from_micros(now.as_micros() + LIFETIME * 1_000_000);
    at_vertex.keys.add(credentials::key(ProviderKind::Vertex, &token, now, Some(expiry)));
    token
}

#[cfg(test)]
pub(super) mod testing {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use ring::rand::SystemRandom;
    use ring::signature::RSA_PKCS1_SHA256;

    use super::*;

    /// An assertion with these claims, signed by the account of the fixture.
    pub(in super::super) fn assertion(head: &Value, claims: &Value) -> String {
        encoded(&BASE64_URL_SAFE_NO_PAD, head, claims)
    }

    pub(in super::super) fn encoded(engine: &impl Engine, head: &Value, claims: &Value) -> String {
        let key_pair = Credentials::embedded().unwrap().vertex.key_pair().unwrap();
        let signed = format!("{}.{}", engine.encode(head.to_string()), engine.encode(claims.to_string()));
        let mut signature = vec![0; key_pair.public().modulus_len()];
        key_pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", engine.encode(signature))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http;
    use base64::prelude::BASE64_URL_SAFE;

    use super::super::world::testing::world;
    use super::testing::{assertion, encoded};
    use super::*;
    use crate::domain::authorization::{Credential, Denial, authenticate};

    const OWN: &str = "http://upstream:9090/google/token";
    const NOW: i64 = 1_800_000_000;

    fn head() -> Value {
        json!({ "alg": "RS256", "typ": "JWT", "kid": Credentials::embedded().unwrap().vertex.private_key_id })
    }

    fn claims(now: i64) -> Value {
        json!({
            "iss": Credentials::embedded().unwrap().vertex.client_email, "aud": OWN, "iat": now, "exp": now + 3_600,
            "scope": "https://www.googleapis.com/auth/cloud-platform",
        })
    }

    fn form(assertion: &str) -> String {
        format!("assertion={assertion}&grant_type={}", GRANT.replace(':', "%3A"))
    }

    fn asked(assertion: &str) -> Result<(), Refusal> {
        is_granted(&form(assertion), OWN, Moment::from_micros(NOW * 1_000_000))
    }

    fn changed(member: &str, value: Value) -> Value {
        let mut claims = claims(NOW);
        claims[member] = value;
        claims
    }

    #[test]
    fn what_the_account_has_signed_is_granted() {
        let good = assertion(&head(), &claims(NOW));
        assert_eq!(asked(&good), Ok(()));
        let padded = encoded(&BASE64_URL_SAFE, &head(), &claims(NOW));
        assert!(padded.contains('='));
        assert_eq!(asked(&padded), Ok(()));
        for audience in AUDIENCES {
            assert_eq!(asked(&assertion(&head(), &changed("aud", json!(audience)))), Ok(()));
        }
        assert_eq!(asked(&assertion(&json!({ "alg": "RS256" }), &claims(NOW))), Ok(()));
    }

    #[test]
    fn anything_else_is_refused_in_googles_words() {
        let good = assertion(&head(), &claims(NOW));
        let (signed, _) = good.rsplit_once('.').unwrap();
        let other = assertion(&head(), &changed("iat", json!(NOW - 1)));
        let (_, other_signature) = other.rsplit_once('.').unwrap();
        for (assertion, error, told) in [
            ("not.a.jwt".to_owned(), "invalid_grant", "Invalid JWT: it must"),
            ("nothing".to_owned(), "invalid_grant", "Invalid JWT: it must"),
            (format!("{signed}.{other_signature}"), "invalid_grant", "Invalid JWT Signature."),
            (assertion(&json!({ "alg": "none" }), &claims(NOW)), "invalid_grant", "Invalid JWT Signature."),
            (assertion(&json!({ "alg": "RS256", "kid": "x" }), &claims(NOW)), "invalid_grant", "Signature."),
            (assertion(&head(), &changed("iss", json!("nobody"))), "invalid_grant", "account not found"),
            (assertion(&head(), &changed("aud", json!("http://x"))), "invalid_grant", "audience"),
            (assertion(&head(), &changed("exp", json!(NOW))), "invalid_grant", "short-lived"),
            (assertion(&head(), &changed("exp", json!(NOW + 3_601))), "invalid_grant", "short-lived"),
            (assertion(&head(), &changed("iat", json!(NOW + 301))), "invalid_grant", "short-lived"),
            (assertion(&head(), &changed("scope", json!(""))), "invalid_scope", "Invalid OAuth scope"),
        ] {
            let refusal = asked(&assertion).unwrap_err();
            assert_eq!(refusal.error, error, "{refusal:?}");
            assert!(refusal.description.contains(told), "{told}: {refusal:?}");
        }
        let now = Moment::from_micros(0);
        let refused = |form: &str| is_granted(form, OWN, now).unwrap_err().error;
        assert_eq!(refused("grant_type=password"), "unsupported_grant_type");
        assert_eq!(refused(""), "unsupported_grant_type");
        assert_eq!(refused(&format!("grant_type={GRANT}")), "invalid_request");
    }

    /// What is told to whoever asks for a token with an assertion of this second.
    async fn asked_at(world: &UpstreamWorld, second: i64) -> (StatusCode, Value) {
        let body = form(&assertion(&head(), &claims(second)));
        let request =
            http::Request::post("/google/token").header(header::HOST, "upstream:9090").body(body.into());
        let response = answer(world, request.unwrap()).await;
        let status = response.status();
        let told = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, serde_json::from_slice(&told).unwrap())
    }

    #[tokio::test]
    async fn a_token_is_a_key_of_its_world_at_vertex() {
        let world = world();
        let at_vertex = world.provider(ProviderKind::Vertex);
        let now = world.clock.now().as_seconds();
        let (status, told) = asked_at(&world, now).await;
        assert_eq!(status, 200);
        assert_eq!((&told["expires_in"], &told["token_type"]), (&json!(3_599), &json!("Bearer")));
        let token = told["access_token"].as_str().unwrap().as_bytes();
        assert!(authenticate(at_vertex, Credential::Secret(token)).is_ok());
        let elsewhere = world.provider(ProviderKind::Gemini);
        assert_eq!(authenticate(elsewhere, Credential::Secret(token)).unwrap_err(), Denial::Unknown);
        world.clock.advance(LIFETIME * 1_000_000);
        assert_eq!(authenticate(at_vertex, Credential::Secret(token)).unwrap_err(), Denial::Expired);
        // By then the assertion is as old.
        let (status, told) = asked_at(&world, now).await;
        assert_eq!((status.as_u16(), &told["error"]), (400, &json!("invalid_grant")));
        assert_eq!(asked_at(&world, now + LIFETIME).await.0, 200);
        // Whoever asks again has the old one forgotten.
        issue(at_vertex);
        assert_eq!(authenticate(at_vertex, Credential::Secret(token)).unwrap_err(), Denial::Unknown);
    }

    #[test]
    fn there_is_an_end_to_tokens() {
        let world = world();
        let at_vertex = world.provider(ProviderKind::Vertex);
        let first = issue(at_vertex);
        for _ in 0..MOST_TOKENS {
            issue(at_vertex);
        }
        assert_eq!(at_vertex.keys.list().len(), MOST_TOKENS);
        assert!(at_vertex.keys.find_by_secret(first.as_bytes()).is_none());
    }
}
