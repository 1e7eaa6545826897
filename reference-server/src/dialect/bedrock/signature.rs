//! Signature Version 4: whether a request was signed with the secret of an access key.
//!
//! What is to be signed is put together here from the request as it came in, and by nobody who signs requests: two that
//! agree have understood the rules alike.

use std::borrow::Cow;
use std::fmt::Write;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ring::hmac;

use super::error::{Kind, Refusal};
use crate::domain::clock::Moment;
use crate::hexadecimal::sha256;

/// The scheme of the header `authorization`.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The name under which requests to this API are signed.
const SERVICE: &str = "bedrock";
/// How a scope ends.
const TERMINATOR: &str = "aws4_request";
const DATE_HEADER: &str = "x-amz-date";
const DIGEST_HEADER: &str = "x-amz-content-sha256";
const TOKEN_HEADER: &str = "x-amz-security-token";
/// What the headers begin with that are AWS's own.
const OWN: &str = "x-amz-";
/// How far the time of signing may lie from now, in seconds.
const WINDOW: i64 = 5 * 60;
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
    Secret Access Key and signing method. Consult the service documentation for details.";

/// What a request says of its signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claim<'h> {
    pub(super) access_key_id: &'h str,
    /// Date, region, service and terminator, with slashes between them.
    scope: &'h str,
    /// The names of the headers that are signed, in order.
    signed: Vec<String>,
    signature: Vec<u8>,
    /// When it was signed, as the header says it.
    time: &'h str,
    /// Whether it comes with the token of a session.
    pub(super) is_of_session: bool,
}

impl<'h> Claim<'h> {
    /// Reads the header `authorization` that begins with the algorithm, and the time beside it.
    pub(super) fn read(authorization: &'h str, headers: &'h HeaderMap) -> Result<Self, Refusal> {
        let parameters = authorization.strip_prefix(ALGORITHM).unwrap_or_default();
        let parameter = |name: &str| {
            let mut pairs = parameters.split(',').filter_map(|pair| pair.trim().split_once('='));
            let found = pairs.find_map(|(other, value)| (other == name).then_some(value));
            found.ok_or_else(|| incomplete(format!("Authorization header requires '{name}' parameter.")))
        };
        let credential = parameter("Credential")?;
        let Some((access_key_id, scope)) = credential.split_once('/') else {
            return Err(incomplete(
                "Credential must have an access key ID and a scope, with a slash between.",
            ));
        };
        let mut signed: Vec<_> =
            parameter("SignedHeaders")?.split(';').map(str::to_ascii_lowercase).collect();
        signed.sort_unstable();
        signed.dedup();
        let Some(signature) = unhex(parameter("Signature")?) else {
            return Err(incomplete("Signature must be hexadecimal."));
        };
        let Some(time) = headers.get(DATE_HEADER).and_then(|value| value.to_str().ok()) else {
            return Err(incomplete("Authorization header requires existence of an 'X-Amz-Date' header."));
        };
        let own = headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with(OWN));
        for name in ["host"].into_iter().chain(own) {
            if !signed.iter().any(|other| other == name) {
                let words = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
                return Err(Refusal::new(Kind::InvalidSignature, words));
            }
        }
        let is_of_session = headers.contains_key(TOKEN_HEADER);
        Ok(Self { access_key_id, scope, signed, signature, time, is_of_session })
    }

    /// Whether it was signed now, and for this service.
    pub(super) fn is_current(&self, now: Moment) -> Result<(), Refusal> {
        let invalid = |words: String| Err(Refusal::new(Kind::InvalidSignature, words));
        let Some(signed_at) = seconds(self.time) else {
            return Err(incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{}'.", self.time)));
        };
        let [date, _, service, terminator] = self.scope.split('/').collect::<Vec<_>>()[..] else {
            return invalid("Credential must have exactly 5 slash-delimited elements.".to_owned());
        };
        if self.time.get(..8) != Some(date) {
            return invalid(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}'."
            ));
        }
        if (service, terminator) != (SERVICE, TERMINATOR) {
            return invalid(format!("Credential should be scoped to correct service: '{SERVICE}'."));
        }
        let age = now.as_seconds() - signed_at;
        if age > WINDOW {
            return invalid(format!("Signature expired: {} is {age} seconds ago (5 min.).", self.time));
        }
        if age < -WINDOW {
            return invalid(format!("Signature not yet current: {} is {} seconds ahead.", self.time, -age));
        }
        Ok(())
    }

    /// Whether it was signed for this region.
    pub(super) fn is_for(&self, region: &str) -> Result<(), Refusal> {
        if self.scope.split('/').nth(1) == Some(region) {
            return Ok(());
        }
        Err(Refusal::new(Kind::InvalidSignature, "Credential should be scoped to a valid region."))
    }

    /// Whether the request was signed so with this secret. All of its body is signed: to leave that out with
    /// `UNSIGNED-PAYLOAD` is something that only S3 and few others take.
    pub(super) fn proves(&self, head: &Parts, body: &[u8], secret: &str) -> Result<(), Refusal> {
        let digest = sha256(body);
        if head.headers.get(DIGEST_HEADER).is_some_and(|told| told.as_bytes() != digest.as_bytes()) {
            let words = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            return Err(Refusal::new(Kind::InvalidSignature, words));
        }
        let canonical = self.canonical_request(head, &digest);
        let to_sign = format!("{ALGORITHM}\n{}\n{}\n{}", self.time, self.scope, sha256(canonical.as_bytes()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.signing_key(secret).as_ref());
        hmac::verify(&key, to_sign.as_bytes(), &self.signature).map_err(|_| {
            let words = format!(
                "{MISMATCH}\n\nThe Canonical String for this request should have been\n'{canonical}'\n\nThe \
                 String-to-Sign should have been\n'{to_sign}'\n"
            );
            Refusal::new(Kind::InvalidSignature, words)
        })
    }

    fn canonical_request(&self, head: &Parts, digest: &str) -> String {
        let mut text = format!("{}\n", head.method);
        // Whatever a client has encoded in its path is encoded once more, so that nothing is read twice.
        for byte in head.uri.path().bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
                text.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(text, "%{byte:02X}");
            }
        }
        text.push('\n');
        text.push_str(&canonical_query(head.uri.query().unwrap_or_default()));
        text.push('\n');
        for name in &self.signed {
            let _ = writeln!(text, "{name}:{}", header(head, name));
        }
        let _ = write!(text, "\n{}\n{digest}", self.signed.join(";"));
        text
    }

    /// The key for a scope, which is of no use for any other.
    fn signing_key(&self, secret: &str) -> hmac::Tag {
        let sign =
            |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
        let mut parts = self.scope.split('/');
        let first = sign(format!("AWS4{secret}").as_bytes(), parts.next().unwrap_or_default());
        parts.fold(first, |key, part| sign(key.as_ref(), part))
    }
}

/// The pairs of a query, as they are written, in order.
fn canonical_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<_> = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// The values of a header, without needless blanks, joined by commas.
fn header(head: &Parts, name: &str) -> String {
    let values = head.headers.get_all(name).into_iter();
    let folded = values.map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    });
    folded.collect::<Vec<_>>().join(",")
}

fn incomplete(words: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::new(Kind::IncompleteSignature, words)
}

/// The seconds since the epoch of a time such as `20260101T000000Z`.
fn seconds(time: &str) -> Option<i64> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", time).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: char| u8::try_from(digit.to_digit(16)?).ok();
    let digits: Vec<u8> = text.chars().map(digit).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| (high << 4) | low).collect())
}

/// Signs requests for tests.
#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::hexadecimal::hex;

    /// The header `authorization` of a request that is complete otherwise.
    pub(in crate::dialect::bedrock) fn sign(
        head: &Parts,
        body: &[u8],
        access_key_id: &str,
        secret: &str,
    ) -> String {
        let time = head.headers[DATE_HEADER].to_str().unwrap();
        let scope = format!("{}/us-east-1/{SERVICE}/{TERMINATOR}", &time[..8]);
        let own = head.headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with(OWN));
        let mut signed: Vec<_> = ["content-type", "host"].into_iter().chain(own).map(str::to_owned).collect();
        signed.sort_unstable();
        let signature = Vec::new();
        let claim = Claim { access_key_id, scope: &scope, signed, signature, time, is_of_session: false };
        // Where a digest is sent it is the one that is signed, whatever it says.
        let told = head.headers.get(DIGEST_HEADER).map(|told| told.to_str().unwrap().to_owned());
        let canonical = claim.canonical_request(head, &told.unwrap_or_else(|| sha256(body)));
        let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256(canonical.as_bytes()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, claim.signing_key(secret).as_ref());
        let signature = hex(hmac::sign(&key, to_sign.as_bytes()).as_ref());
        format!(
            "{ALGORITHM} Credential={access_key_id}/{scope}, SignedHeaders={}, Signature={signature}",
            claim.signed.join(";")
        )
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};

    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const BODY: &[u8] = b"{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]}";
    const ENCODED: &str = "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse";
    const SIGNATURE: &str = "0a1f46bda2317fccfb7235801a6fb71d160b6ccfd06295277a48b49ec51d38f0";
    const PLAIN: &str = "content-type;host;x-amz-date";

    /// A request as botocore signs it.
    fn request(path: &str, signed: &str, signature: &str) -> Parts {
        let authorization = format!(
            "{ALGORITHM} Credential=AKIDEXAMPLE/20260101/us-east-1/bedrock/aws4_request, SignedHeaders={signed}, \
             Signature={signature}"
        );
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("host", "127.0.0.1:8080")
            .header("content-type", "application/json")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", authorization);
        request.body(()).unwrap().into_parts().0
    }

    fn claim(head: &Parts) -> Result<Claim<'_>, Refusal> {
        Claim::read(head.headers["authorization"].to_str().unwrap(), &head.headers)
    }

    fn proves(head: &Parts, body: &[u8]) -> Result<(), String> {
        claim(head).unwrap().proves(head, body, SECRET).map_err(|refusal| format!("{refusal:?}"))
    }

    fn at(time: &str) -> Moment {
        Moment::parse(time).unwrap()
    }

    #[test]
    fn what_botocore_has_signed_is_found_good() {
        assert_eq!(proves(&request(ENCODED, PLAIN, SIGNATURE), BODY), Ok(()));
        let raw = "/model/anthropic.claude-3-5-sonnet-20241022-v2:0/converse";
        let signature = "edb8b70420e8c77f0e0bbd1f6176ca28895e142e4098604c43a801ba851bd7da";
        assert_eq!(proves(&request(raw, PLAIN, signature), BODY), Ok(()));
        let signed = "content-type;host;x-amz-date;x-amz-security-token";
        let signature = "621ce896876260d388b2a243617d11b39391940eea1564faafa2fd66e83dc22c";
        let mut head = request(ENCODED, signed, signature);
        head.headers.insert(TOKEN_HEADER, HeaderValue::from_static("TOKEN/+=="));
        assert_eq!(proves(&head, BODY), Ok(()));
    }

    #[test]
    fn what_is_signed_is_put_together_as_the_rules_say() {
        let head = request(ENCODED, PLAIN, SIGNATURE);
        let canonical = claim(&head).unwrap().canonical_request(&head, &sha256(BODY));
        assert_eq!(
            canonical,
            "POST\n/model/anthropic.claude-3-5-sonnet-20241022-v2%253A0/converse\n\ncontent-type:application/json\n\
             host:127.0.0.1:8080\nx-amz-date:20260101T000000Z\n\ncontent-type;host;x-amz-date\n\
             c3335e07d6e89650bf94cb98664be69f8774dbc3198df221f113db0a59ea14f0"
        );
        assert_eq!(
            sha256(canonical.as_bytes()),
            "54781370be9bb6040774fa9eb8e7d5e82a907f47fa825dcdf3d18a36513ad379"
        );
        assert_eq!(canonical_query("b=2&a=&c&b=1"), "a=&b=1&b=2&c=");
        let mut head = head;
        head.headers.insert("x-two", HeaderValue::from_static("  a   b "));
        head.headers.append("x-two", HeaderValue::from_static("c"));
        assert_eq!(header(&head, "x-two"), "a b,c");
    }

    #[test]
    fn whatever_is_changed_breaks_the_signature() {
        assert!(proves(&request(ENCODED, PLAIN, SIGNATURE), b"{}").unwrap_err().contains(MISMATCH));
        let changed = SIGNATURE.replace('0', "1");
        let told = proves(&request(ENCODED, PLAIN, &changed), BODY).unwrap_err();
        assert!(told.contains("The Canonical String for this request should have been"), "{told}");
        assert!(proves(&request("/model/other/converse", PLAIN, SIGNATURE), BODY).is_err());
        assert!(proves(&request(ENCODED, PLAIN, &SIGNATURE[..62]), BODY).is_err());
        let mut head = request(ENCODED, PLAIN, SIGNATURE);
        head.headers.insert("host", HeaderValue::from_static("127.0.0.1:8081"));
        assert!(proves(&head, BODY).is_err());
        let head = request(ENCODED, PLAIN, SIGNATURE);
        assert!(claim(&head).unwrap().proves(&head, BODY, "another secret").is_err());
    }

    #[test]
    fn the_digest_of_a_body_is_checked_where_it_is_sent() {
        let told = |digest: &str| {
            let mut head = request(ENCODED, PLAIN, SIGNATURE);
            head.headers.insert(DIGEST_HEADER, HeaderValue::from_str(digest).unwrap());
            let authorization = testing::sign(&head, BODY, "AKIDEXAMPLE", SECRET);
            head.headers.insert("authorization", authorization.parse().unwrap());
            proves(&head, BODY)
        };
        assert_eq!(told(&sha256(BODY)), Ok(()));
        for wrong in [sha256(b"{}"), "UNSIGNED-PAYLOAD".to_owned()] {
            assert!(told(&wrong).unwrap_err().contains("does not match what was computed"));
        }
    }

    #[test]
    fn a_signature_holds_for_five_minutes_and_one_service() {
        let head = request(ENCODED, PLAIN, SIGNATURE);
        let claim = claim(&head).unwrap();
        for now in ["2025-12-31T23:55:00Z", "2026-01-01T00:05:00Z"] {
            assert!(claim.is_current(at(now)).is_ok(), "{now}");
        }
        for (now, words) in [
            ("2026-01-01T00:05:01Z", "Signature expired"),
            ("2025-12-31T23:54:59Z", "Signature not yet current"),
        ] {
            let told = format!("{:?}", claim.is_current(at(now)).unwrap_err());
            assert!(told.contains(words), "{told}");
        }
        let now = at("2026-01-01T00:00:00Z");
        for (scope, words) in [
            ("20260102/us-east-1/bedrock/aws4_request", "Date in Credential scope"),
            ("20260101/us-east-1/s3/aws4_request", "correct service: 'bedrock'"),
            ("20260101/us-east-1/bedrock/aws4", "correct service"),
            ("20260101/us-east-1/bedrock", "5 slash-delimited"),
        ] {
            let other = Claim { scope, signed: Vec::new(), signature: Vec::new(), ..claim };
            let told = format!("{:?}", other.is_current(now).unwrap_err());
            assert!(told.contains(words), "{told}");
        }
        let other = Claim { time: "2026-01-01", signed: Vec::new(), signature: Vec::new(), ..claim };
        assert!(format!("{:?}", other.is_current(now)).contains("ISO-8601"));
    }

    #[test]
    fn a_signature_holds_for_one_region() {
        let head = request(ENCODED, PLAIN, SIGNATURE);
        let claim = claim(&head).unwrap();
        assert!(claim.is_for("us-east-1").is_ok());
        for elsewhere in ["us-east-2", "us-east", ""] {
            let told = format!("{:?}", claim.is_for(elsewhere).unwrap_err());
            assert!(told.contains("scoped to a valid region"), "{told}");
        }
    }

    #[test]
    fn what_is_missing_is_told() {
        let told = |authorization: &str, name: Option<(&'static str, &'static str)>| {
            let mut head = request(ENCODED, PLAIN, SIGNATURE);
            if let Some((name, value)) = name {
                head.headers.insert(name, HeaderValue::from_static(value));
            }
            let refusal = Claim::read(&format!("{ALGORITHM} {authorization}"), &head.headers).unwrap_err();
            format!("{refusal:?}")
        };
        let complete =
            "Credential=A/20260101/r/bedrock/aws4_request,SignedHeaders=host;x-amz-date,Signature=00";
        for own in [TOKEN_HEADER, DIGEST_HEADER, "x-amz-user-agent"] {
            assert!(told(complete, Some((own, "T"))).contains(&format!("'{own}' must be")));
        }
        for (without, words) in [
            (complete.replace("Credential=", "Secret="), "requires 'Credential'"),
            (complete.replace("SignedHeaders=", "Headers="), "requires 'SignedHeaders'"),
            (complete.replace("Signature=", "Sign="), "requires 'Signature'"),
            (complete.replace("Signature=00", "Signature=0x"), "must be hexadecimal"),
            (complete.replace("host;", ""), "'host' must be"),
            (complete.replace('/', "-"), "an access key ID and a scope"),
        ] {
            assert!(told(&without, None).contains(words), "{without}");
        }
        let mut head = request(ENCODED, PLAIN, SIGNATURE);
        head.headers.remove(DATE_HEADER);
        assert!(format!("{:?}", claim(&head).unwrap_err()).contains("X-Amz-Date"));
    }
}
