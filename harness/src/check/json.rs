use std::ops::Deref;
use std::sync::Arc;

use serde_json::Value;

/// JSON that checks look at: a value, or a member of a larger one, which is shared and not copied.
#[derive(Clone, Debug)]
pub struct Json {
    whole: Arc<Value>,
    member: Option<&'static str>,
}

/// What a member is that is not there.
static NOTHING: Value = Value::Null;

impl Json {
    /// A member of an object.
    pub fn member(whole: &Arc<Value>, name: &'static str) -> Self {
        Self { whole: Arc::clone(whole), member: Some(name) }
    }

    /// The value, copied only where something else holds it too.
    pub fn into_value(self) -> Value {
        Arc::unwrap_or_clone(self.into())
    }
}

impl Deref for Json {
    type Target = Value;

    fn deref(&self) -> &Value {
        match self.member {
            None => &self.whole,
            Some(name) => self.whole.get(name).unwrap_or(&NOTHING),
        }
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self { whole: Arc::new(value), member: None }
    }
}

impl From<Json> for Arc<Value> {
    fn from(json: Json) -> Self {
        match json.member {
            None => json.whole,
            Some(_) => Self::new(Value::clone(&json)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_is_seen_where_it_stands() {
        let whole = Arc::new(json!({ "a": [1], "b": 2 }));
        let member = Json::member(&whole, "a");
        assert_eq!((&*member, &*Json::member(&whole, "c")), (&json!([1]), &Value::Null));
        assert!(std::ptr::eq(&raw const *member, &raw const whole["a"]), "it is not copied");
        assert_eq!(member.into_value(), json!([1]));
        assert_eq!(Json::from(json!(7)).into_value(), json!(7));
    }
}
