use std::borrow::Cow;

use serde_json::Value;

use crate::domain::inference::JsonSchema;

/// The schema of an answer for a wire that has no other place for what the answer is for.
pub(crate) fn described(form: &JsonSchema) -> Cow<'_, Value> {
    const DESCRIPTION: &str = "description";
    let told = form.description.as_deref().filter(|_| form.schema.get(DESCRIPTION).is_none());
    let (Some(told), Value::Object(members)) = (told, &form.schema) else {
        return Cow::Borrowed(&form.schema);
    };
    let mut members = members.clone();
    members.insert(DESCRIPTION.to_owned(), told.into());
    Cow::Owned(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::http::testing::form;

    #[test]
    fn what_an_answer_is_for_stands_in_its_schema() {
        let told = |schema: Value| described(&form(schema)).into_owned();
        let described = json!({ "type": "object", "description": "Where it is." });
        assert_eq!(told(json!({ "type": "object" })), described);
        let own = json!({ "type": "object", "description": "A place." });
        assert_eq!(told(own.clone()), own);
        assert_eq!(told(json!(true)), json!(true));
    }
}
