//! Signature Version 4, made by the code of AWS's own clients.

use std::fmt::Display;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::AwsCredentials;
use crate::domain::inference::ProviderError;

/// The name under which requests to the runtime API are signed.
const SERVICE: &str = "bedrock";
const JSON: &str = "application/json";

/// The headers of a request that posts this JSON at this time, its signature among them.
pub(super) fn headers(
    url: &Url,
    body: &[u8],
    region: &str,
    credentials: &AwsCredentials,
    now: SystemTime,
) -> Result<HeaderMap, ProviderError> {
    let session_token = credentials.session_token.as_ref().map(|token| token.reveal().to_owned());
    let (id, key) = (credentials.access_key_id.reveal(), credentials.secret_access_key.reveal());
    let identity: Identity = Credentials::new(id, key, session_token, None, "plumbline").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unsigned(&error))?;
    let params = SigningParams::from(params);
    let typed = [("content-type", JSON)].into_iter();
    let request = SignableRequest::new("POST", url.as_str(), typed, SignableBody::Bytes(body));
    let signed = sign(request.map_err(|error| unsigned(&error))?, &params);
    let (instructions, _) = signed.map_err(|error| unsigned(&error))?.into_parts();
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(JSON))]);
    for (name, value) in instructions.headers() {
        let name = HeaderName::try_from(name).map_err(|error| unsigned(&error))?;
        let mut value = HeaderValue::try_from(value).map_err(|error| unsigned(&error))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn unsigned(error: &dyn Display) -> ProviderError {
    ProviderError::Credentials(format!("the request cannot be signed: {error}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::provider::http::Secret;

    /// 2026-01-01T00:00:00Z
    const TIME: Duration = Duration::from_hours(490_896);
    const BODY: &[u8] = b"{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]}";
    const ENCODED: &str = "anthropic.claude-3-5-sonnet-20241022-v2%3A0";

    fn signed(model: &str, session_token: Option<&str>) -> HeaderMap {
        let url = format!("http://127.0.0.1:8080/model/{model}/converse").parse().unwrap();
        let credentials = AwsCredentials {
            access_key_id: Secret::new("AKIDEXAMPLE"),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: session_token.map(Secret::new),
        };
        headers(&url, BODY, "us-east-1", &credentials, SystemTime::UNIX_EPOCH + TIME).unwrap()
    }

    #[test]
    fn a_request_is_signed_as_botocore_signs_it() {
        let token = "content-type;host;x-amz-date;x-amz-security-token";
        for (model, session_token, signed_headers, signature) in [
            (
                ENCODED,
                None,
                "content-type;host;x-amz-date",
                "0a1f46bda2317fccfb7235801a6fb71d160b6ccfd06295277a48b49ec51d38f0",
            ),
            (
                ENCODED,
                Some("TOKEN/+=="),
                token,
                "621ce896876260d388b2a243617d11b39391940eea1564faafa2fd66e83dc22c",
            ),
            (
                "anthropic.claude-3-5-sonnet-20241022-v2:0",
                None,
                "content-type;host;x-amz-date",
                "edb8b70420e8c77f0e0bbd1f6176ca28895e142e4098604c43a801ba851bd7da",
            ),
        ] {
            let headers = signed(model, session_token);
            let authorization = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/bedrock/aws4_request, \
                 SignedHeaders={signed_headers}, Signature={signature}"
            );
            assert_eq!(headers["authorization"], authorization.as_str());
            assert_eq!(headers["x-amz-date"], "20260101T000000Z");
            let told = headers.get("x-amz-security-token").map(|token| token.to_str().unwrap());
            assert_eq!(told, session_token);
        }
    }

    #[test]
    fn nothing_of_a_signature_is_shown() {
        let headers = signed(ENCODED, Some("TOKEN"));
        assert!(headers.iter().all(|(name, value)| *name == CONTENT_TYPE || value.is_sensitive()));
    }
}
