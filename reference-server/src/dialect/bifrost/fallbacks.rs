//! The targets that a request names for the case that the first fails.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::error::Refusal;
use super::model_name;
use crate::aside::aside;
use crate::dialect::common::body;

/// The member in which they stand.
const MEMBER: &str = "fallbacks";
/// Most targets of one request: each may be asked for its answer.
const MOST: usize = 16;

/// Takes the fallbacks out of a body: texts, or objects of a provider and a model. Whether there were any, and what
/// they are as `provider/model`.
pub(super) fn take(members: &mut Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    let Some(written) = members.shift_remove(MEMBER) else { return Ok(None) };
    let targets = match written {
        Value::Null => Vec::new(),
        Value::Array(targets) => targets,
        _ => return Err(mistaken()),
    };
    if targets.len() > MOST {
        return Err(Refusal::bad_request(format!("there may be {MOST} fallbacks, and there are more")));
    }
    let read: Option<Vec<_>> = targets.into_iter().map(target).collect();
    let read = read.ok_or_else(mistaken)?;
    read.iter().try_for_each(|name| model_name::check(name))?;
    Ok(Some(read))
}

/// The fallbacks of a body, and the body without them. One that has none stays as it is, and so does one that is no
/// object: the dialect of its wire says what is wrong with it.
pub(super) fn parted(bytes: Bytes) -> Result<(Vec<String>, Bytes), Refusal> {
    let parted: Result<_, Refusal> = aside(bytes.len(), || {
        let Ok(Value::Object(mut members)) = body::parse(&bytes) else { return Ok(None) };
        let fallbacks = take(&mut members)?;
        // What was JSON is again.
        Ok(fallbacks.map(|fallbacks| (fallbacks, serde_json::to_vec(&members).unwrap_or_default())))
    });
    Ok(match parted? {
        Some((fallbacks, rest)) => (fallbacks, rest.into()),
        None => (Vec::new(), bytes),
    })
}

fn target(written: Value) -> Option<String> {
    match written {
        Value::String(name) if !name.is_empty() => Some(name),
        Value::Object(members) => {
            let text = |name: &str| members.get(name)?.as_str().filter(|text| !text.is_empty());
            Some(format!("{}/{}", text("provider")?, text("model")?))
        }
        _ => None,
    }
}

fn mistaken() -> Refusal {
    Refusal::bad_request("fallbacks must be a list of \"provider/model\"")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The targets, or why they are none.
    type Targets = Result<Option<Vec<String>>, String>;

    fn taken(body: Value) -> (Targets, Map<String, Value>) {
        let Value::Object(mut members) = body else { panic!("{body}") };
        (take(&mut members).map_err(|refusal| refusal.message), members)
    }

    #[test]
    fn targets_are_texts_or_objects_and_leave_the_body() {
        let (targets, rest) = taken(json!({
            "model": "a/b", "fallbacks": ["c/d", { "provider": "e", "model": "f/g" }], "n": 1,
        }));
        assert_eq!(targets, Ok(Some(vec!["c/d".to_owned(), "e/f/g".to_owned()])));
        assert_eq!(rest.keys().collect::<Vec<_>>(), ["model", "n"]);
        assert_eq!(taken(json!({})).0, Ok(None));
        assert_eq!(taken(json!({ "fallbacks": null })).0, Ok(Some(Vec::new())));
    }

    #[test]
    fn a_body_is_parted_from_its_fallbacks_and_stays_as_it_is_without() {
        let parted = |text: &'static str| parted(text.into()).map_err(|refusal| refusal.message);
        let rest = Bytes::from("{\"contents\":[],\"n\":1}");
        let read = parted("{ \"contents\": [], \"fallbacks\": [\"c/d\"], \"n\": 1 }");
        assert_eq!(read, Ok((vec!["c/d".to_owned()], rest)));
        for text in ["{ \"n\": 1.0 }", "[1]", "{", ""] {
            assert_eq!(parted(text), Ok((Vec::new(), text.into())), "{text}");
        }
        assert!(parted("{ \"fallbacks\": \"c/d\" }").is_err());
    }

    #[test]
    fn what_is_no_list_of_targets_is_refused() {
        for wrong in [
            json!("a/b"),
            json!([1]),
            json!([""]),
            json!([{ "provider": "a" }]),
            vec!["a/b"; MOST + 1].into(),
            json!([format!("a/{}", "b".repeat(300))]),
            json!([{ "provider": "a", "model": "b".repeat(300) }]),
        ] {
            assert!(taken(json!({ "fallbacks": wrong })).0.is_err(), "{wrong}");
        }
    }
}
