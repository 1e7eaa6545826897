//! The form that an answer is to have.

use super::{strict, tools};
use crate::dialect::common::read::{Members, Mistake, Read, boolean, string};
use crate::domain::inference::{AnswerFormat, JsonSchema, Message, Part};

/// The members of a schema with a name.
pub(super) const MEMBERS: [&str; 4] = ["name", "description", "schema", "strict"];

/// An answer that is valid against a schema, from the schema's members.
pub(super) fn schema(named: Members<'_>) -> Read<AnswerFormat> {
    let name = named.required("name", tools::name)?;
    let description = named.optional("description", string)?;
    let strict = named.optional("strict", boolean)?;
    let schema = named.required("schema", |schema| {
        Members::of(schema)?;
        let problem = if strict == Some(true) { strict::problem(schema) } else { None };
        problem.map_or(Ok(schema), |problem| Err(Mistake::other(problem)))
    })?;
    Ok(AnswerFormat::JsonSchema(JsonSchema {
        schema: schema.clone(),
        name: Some(name.to_owned()),
        description: description.map(str::to_owned),
        strict,
    }))
}

/// Whether anybody speaks of JSON in a conversation. Who asks for an object and no more than that must.
pub(super) fn speaks_of_json(messages: &[Message]) -> bool {
    messages.iter().flat_map(|message| &message.parts).any(|part| match part {
        Part::Text(text) => text.as_bytes().windows(4).any(|word| word.eq_ignore_ascii_case(b"json")),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::inference::Role;

    #[test]
    fn a_schema_has_a_name_and_holds_what_it_promises() {
        let read = |value: Value| schema(Members::of(&value).unwrap());
        let schema = json!({ "type": "object" });
        let bare = JsonSchema { name: Some("a".to_owned()), ..schema.clone().into() };
        assert_eq!(
            read(json!({ "name": "a", "schema": schema })),
            Ok(AnswerFormat::JsonSchema(bare.clone()))
        );
        let described = JsonSchema { description: Some("d".to_owned()), strict: Some(false), ..bare };
        assert_eq!(
            read(json!({ "name": "a", "description": "d", "strict": false, "schema": schema })),
            Ok(AnswerFormat::JsonSchema(described))
        );
        for (wrong, place) in [
            (json!({ "schema": {} }), "name"),
            (json!({ "name": "a" }), "schema"),
            (json!({ "name": "a", "schema": "x" }), "schema"),
            (json!({ "name": "a", "strict": true, "schema": { "type": "object" } }), "schema"),
        ] {
            assert_eq!(read(wrong).unwrap_err().bracketed(), place);
        }
    }

    #[test]
    fn json_is_spoken_of_in_any_case_of_letters() {
        let say =
            |text: &str| speaks_of_json(&[Message::new(Role::System, vec![Part::Text(text.to_owned())])]);
        assert!(say("Answer in Json."));
        assert!(!say("Answer."));
        assert!(!say("js"));
    }
}
