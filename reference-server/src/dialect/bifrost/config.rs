//! `/api/config`: what holds for all callers.

use axum::body::Body;
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::{Refusal, json as told};
use super::exchange::Exchange;
use super::management;
use crate::domain::governance::{Draft, Settings};

/// Whether callers must have a virtual key, under its two names.
const KEY_DEMANDED: [&str; 2] = ["enforce_auth_on_inference", "enforce_governance_header"];
const REQUIRED_HEADERS: &str = "required_headers";
const JOB_TTL: &str = "async_job_result_ttl";
/// Most headers that can be required.
const MOST_HEADERS: usize = 100;
/// Most other members that are kept, in bytes as JSON.
const LARGEST_OTHER: usize = 64 * 1024;

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    client_config: Map<String, Value>,
}

/// Tells the configuration, or changes what is sent of it.
pub(super) async fn serve(exchange: &Exchange<'_>, body: Body) -> Result<Response, Refusal> {
    management::admit(exchange)?;
    let world = exchange.world;
    match exchange.head.method {
        Method::GET => Ok(told(StatusCode::OK, &shown(&world.governance.book().settings))),
        Method::PUT => {
            let sent: Sent = management::read(exchange, body).await?;
            let edit = |draft: &mut Draft| {
                let settings = changed(&draft.book().settings, sent.client_config)?;
                Ok(draft.set_settings(settings)?)
            };
            management::change(world, edit).await?;
            let done = json!({ "status": "success", "message": "configuration updated successfully" });
            Ok(told(StatusCode::OK, &done))
        }
        _ => Err(Refusal::method_not_allowed("GET, PUT")),
    }
}

fn shown(settings: &Settings) -> Value {
    let mut client = Map::new();
    for name in KEY_DEMANDED {
        client.insert(name.to_owned(), settings.requires_virtual_key.into());
    }
    client.insert(REQUIRED_HEADERS.to_owned(), settings.required_headers.clone().into());
    client.insert(JOB_TTL.to_owned(), settings.job_ttl.into());
    client.extend(settings.other.clone());
    json!({
        "client_config": client,
        "is_db_connected": true,
        "is_cache_connected": false,
        "is_logs_connected": true,
    })
}

/// The settings with what is sent of them. What has no effect here is kept and told again.
fn changed(before: &Settings, sent: Map<String, Value>) -> Result<Settings, Refusal> {
    let mut settings = before.clone();
    for (name, value) in sent {
        let wrong = |what: &str| Refusal::bad_request(format!("Invalid {name}: must be {what}"));
        match name.as_str() {
            known if KEY_DEMANDED.contains(&known) => {
                let demanded = value.as_bool().ok_or_else(|| wrong("true or false"))?;
                // Who sends back what was told, with one of the two names changed, means that one.
                if demanded != before.requires_virtual_key {
                    settings.requires_virtual_key = demanded;
                }
            }
            REQUIRED_HEADERS => {
                let headers = headers(&value).ok_or_else(|| wrong("a list of names of headers"))?;
                settings.required_headers = headers;
            }
            JOB_TTL => {
                let ttl = value.as_u64().and_then(|ttl| u32::try_from(ttl).ok()).filter(|ttl| *ttl > 0);
                settings.job_ttl = ttl.ok_or_else(|| wrong("a number of seconds from 1"))?;
            }
            _ => {
                settings.other.insert(name, value);
            }
        }
    }
    let size = serde_json::to_string(&settings.other).map_or(usize::MAX, |other| other.len());
    if size > LARGEST_OTHER {
        return Err(Refusal::bad_request("client_config is too large"));
    }
    Ok(settings)
}

/// Names of headers, in lower case; nothing where there is anything else among them.
fn headers(value: &Value) -> Option<Vec<String>> {
    let names = value.as_array().filter(|names| names.len() <= MOST_HEADERS)?.iter();
    names.map(|name| Some(HeaderName::try_from(name.as_str()?).ok()?.as_str().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: &Settings, sent: Value) -> Result<Settings, String> {
        let Value::Object(sent) = sent else { panic!("no object") };
        changed(before, sent).map_err(|refusal| refusal.message)
    }

    #[test]
    fn what_is_not_sent_stays_and_what_is_unknown_is_kept() {
        let before = Settings { job_ttl: 60, ..Settings::default() };
        let sent = json!({ "enforce_auth_on_inference": true, "log_retention_days": 30, "required_headers": ["X-Team"] });
        let settings = change(&before, sent).unwrap();
        assert!(settings.requires_virtual_key);
        assert_eq!((settings.job_ttl, &*settings.required_headers), (60, &["x-team".to_owned()][..]));
        let shown = shown(&settings);
        assert_eq!(shown["client_config"]["log_retention_days"], 30);
        assert_eq!(shown["client_config"]["enforce_governance_header"], true);
        // What was told can be sent back as it is, with one thing changed.
        let mut sent = shown["client_config"].clone();
        sent["enforce_auth_on_inference"] = json!(false);
        let again = change(&settings, sent).unwrap();
        assert_eq!(again, Settings { requires_virtual_key: false, ..settings });
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (sent, told) in [
            (json!({ "enforce_auth_on_inference": "yes" }), "Invalid enforce_auth_on_inference"),
            (json!({ "required_headers": "x-team" }), "Invalid required_headers"),
            (json!({ "required_headers": ["x team"] }), "Invalid required_headers"),
            (json!({ "async_job_result_ttl": 0 }), "Invalid async_job_result_ttl"),
            (json!({ "note": "a".repeat(LARGEST_OTHER) }), "client_config is too large"),
        ] {
            let error = change(&Settings::default(), sent).unwrap_err();
            assert!(error.starts_with(told), "{error}");
        }
    }
}
