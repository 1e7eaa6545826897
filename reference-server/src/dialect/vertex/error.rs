//! What is refused in other words than Gemini's own service has for it.

use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::dialect::gemini::error::{Refusal, error_response};
use crate::domain::authorization::Denial;

const CHALLENGE: &str = "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"";

/// The response that tells a refusal; `resource` is the model that was asked for, with all that stands above it.
pub(super) fn response(refusal: Refusal, resource: &str) -> Response {
    match refusal {
        Refusal::Denied(denial) => denied(denial, resource),
        Refusal::UnknownModel { .. } => {
            let message = format!(
                "Publisher Model `{resource}` was not found or your project does not have access to it. Please ensure \
                 you are using a valid model version. For more information, see: \
                 https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions"
            );
            error_response(StatusCode::NOT_FOUND, "NOT_FOUND", message, Vec::new())
        }
        refusal => refusal.into_response(),
    }
}

fn denied(denial: Denial, resource: &str) -> Response {
    const INVALID: &str = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie \
        or other valid authentication credential. See \
        https://developers.google.com/identity/sign-in/web/devconsole-project.";
    let (message, reason) = match denial {
        Denial::Missing | Denial::OtherScheme => (
            "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or \
             other valid authentication credential. See \
             https://developers.google.com/identity/sign-in/web/devconsole-project.",
            "CREDENTIALS_MISSING",
        ),
        Denial::Malformed => (
            "API keys are not supported by this API. Expected OAuth2 access token or other authentication credentials \
             that assert a principal. See https://cloud.google.com/docs/authentication",
            "CREDENTIALS_MISSING",
        ),
        Denial::Unknown | Denial::Inactive => (INVALID, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        Denial::Expired => (INVALID, "ACCESS_TOKEN_EXPIRED"),
        Denial::LacksScope => {
            let message = format!(
                "Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/{resource}' \
                 (or it may not exist)."
            );
            let details = details("IAM_PERMISSION_DENIED");
            return error_response(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message, details);
        }
    };
    let (status, message) = (StatusCode::UNAUTHORIZED, message.to_owned());
    let mut response = error_response(status, "UNAUTHENTICATED", message, details(reason));
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
    response
}

fn details(reason: &str) -> Vec<Value> {
    vec![json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": { "service": "aiplatform.googleapis.com" },
    })]
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;
    use crate::dialect::common::Unanswered;

    const RESOURCE: &str = "projects/p/locations/l/publishers/google/models/m";

    async fn told(refusal: Refusal) -> Value {
        let body = to_bytes(response(refusal, RESOURCE).into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()["error"].take()
    }

    #[tokio::test]
    async fn each_denial_has_its_status_and_its_reason() {
        for (denial, code, status, reason) in [
            (Denial::Missing, 401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"),
            (Denial::Malformed, 401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"),
            (Denial::Unknown, 401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            (Denial::Expired, 401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED"),
            (Denial::LacksScope, 403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED"),
        ] {
            assert_eq!(response(Refusal::Denied(denial), RESOURCE).status(), code);
            let error = told(Refusal::Denied(denial)).await;
            assert_eq!((&error["code"], &error["status"]), (&json!(code), &json!(status)));
            assert_eq!(error["details"][0]["reason"], reason);
        }
    }

    #[tokio::test]
    async fn an_unknown_model_is_named_with_all_above_it_and_the_rest_is_told_as_elsewhere() {
        let (version, model) = ("v1".to_owned(), "m".to_owned());
        let unknown = told(Refusal::UnknownModel { version, model, action: None }).await;
        assert!(unknown["message"].as_str().unwrap().contains(RESOURCE), "{unknown}");
        assert_eq!(unknown["code"], 404);
        let reason = Unanswered::Unavailable { retry_after: None };
        let unavailable = told(Refusal::Unanswered { reason, exception: String::new() }).await;
        assert_eq!(unavailable["status"], "UNAVAILABLE");
    }
}
