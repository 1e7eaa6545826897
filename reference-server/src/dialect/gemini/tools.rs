//! The functions that a model may call.

use std::collections::HashSet;

use serde_json::Value;

use super::members::Members;
use crate::dialect::common::read::{self, Mistake, Problem, Read};
use crate::domain::inference::{Tool, ToolMode, ToolUse};

/// Most functions in a request.
const MOST: usize = 512;

/// The functions of all tools.
pub(super) fn tools(value: &Value) -> Read<Vec<Tool>> {
    let lists = read::list(tool)(value)?;
    let tools: Vec<Tool> = lists.into_iter().flatten().collect();
    if tools.len() > MOST {
        return Err(Mistake::new(Problem::Longer { most: MOST, found: tools.len() }));
    }
    all_differ(&tools)?;
    Ok(tools)
}

/// That no two functions have the same name.
fn all_differ(tools: &[Tool]) -> Read<()> {
    let mut names = HashSet::new();
    match tools.iter().find(|tool| !names.insert(tool.name.as_str())) {
        None => Ok(()),
        Some(tool) => {
            let words = format!("duplicate function declaration found: {}", read::excerpt(&tool.name));
            Err(Mistake::other(words))
        }
    }
}

fn tool(value: &Value) -> Read<Vec<Tool>> {
    const OTHERS: [&str; 6] =
        ["googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "googleMaps", "fileSearch"];
    let known: Vec<_> = OTHERS.into_iter().chain(["functionDeclarations"]).collect();
    let members = Members::of(value, &known)?;
    if let Some(name) = OTHERS.into_iter().find(|name| members.get(name).is_some()) {
        return Err(Mistake::other("this tool is not supported").in_member(name));
    }
    let functions = members.optional("functionDeclarations", read::list(function))?;
    Ok(functions.unwrap_or_default())
}

fn function(value: &Value) -> Read<Tool> {
    const KNOWN: [&str; 7] = [
        "name",
        "description",
        "behavior",
        "parameters",
        "parametersJsonSchema",
        "response",
        "responseJsonSchema",
    ];
    let members = Members::of(value, &KNOWN)?;
    let name = members.required("name", name)?;
    let description = members.optional("description", read::string)?.map(str::to_owned);
    let schema = members.optional("parametersJsonSchema", schema)?;
    let parameters = members.optional("parameters", self::schema)?.or(schema).cloned();
    Ok(Tool { name: name.to_owned(), description, parameters, strict: None })
}

fn name(value: &Value) -> Read<&str> {
    let name = read::string_of(1..=64)(value)?;
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | ':' | '-');
    if begins && name.chars().all(fits) {
        return Ok(name);
    }
    Err(Mistake::other(
        "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), \
         underscores (_), dots (.), colons (:) or dashes (-), with a maximum length of 64",
    ))
}

/// A schema.
pub(super) fn schema(value: &Value) -> Read<&Value> {
    if value.is_object() { Ok(value) } else { Err(read::kind("an object", value)) }
}

/// Whether and how functions are called.
pub(super) fn tool_use(value: &Value, tools: &[Tool]) -> Read<ToolUse> {
    let members = Members::of(value, &["functionCallingConfig", "retrievalConfig"])?;
    let config = members.optional("functionCallingConfig", |value| {
        let members = Members::of(value, &["mode", "allowedFunctionNames"])?;
        let modes = read::one_of(&["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"]);
        let mode = match members.optional("mode", modes)? {
            Some("ANY") => ToolMode::Required,
            Some("NONE") => ToolMode::None,
            _ => ToolMode::Auto,
        };
        let declared = |value| {
            let name = read::string(value)?;
            if tools.iter().any(|tool| tool.name == name) {
                return Ok(name.to_owned());
            }
            Err(Mistake::other(format!("there is no function {} in tools", read::excerpt(name))))
        };
        let only = members.optional("allowedFunctionNames", read::list_of(0..=MOST, declared))?;
        let only = only.unwrap_or_default();
        Ok(ToolUse { mode, only, one_at_a_time: false })
    })?;
    Ok(config.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn functions_and_their_use_are_read() {
        let all = tools(&json!([{ "functionDeclarations": [
            { "name": "get_weather", "description": "d", "parameters": { "type": "OBJECT" } },
            { "name": "other", "parameters_json_schema": { "type": "object" } },
        ] }]))
        .unwrap();
        assert_eq!(all.iter().map(|tool| &*tool.name).collect::<Vec<_>>(), ["get_weather", "other"]);
        assert_eq!(all[1].parameters, Some(json!({ "type": "object" })));
        let config = json!({ "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["other"] } });
        let used = tool_use(&config, &all).unwrap();
        assert_eq!((used.mode, used.only), (ToolMode::Required, vec!["other".to_owned()]));
        assert!(tool_use(&config, &all[..1]).is_err());
        assert!(tools(&json!([{ "functionDeclarations": [{ "name": "a b" }] }])).is_err());
        assert!(tools(&json!([{ "functionDeclarations": [{ "name": "a" }, { "name": "a" }] }])).is_err());
    }

    #[test]
    fn there_are_so_many_functions_in_all_tools_together() {
        let declaring = |count: usize| {
            let half = |names: std::ops::Range<usize>| -> Vec<_> {
                names.map(|number| json!({ "name": format!("f{number}") })).collect()
            };
            let (first, second) = (half(0..count / 2), half(count / 2..count));
            tools(&json!([{ "functionDeclarations": first }, { "functionDeclarations": second }]))
        };
        assert_eq!(declaring(MOST).unwrap().len(), MOST);
        assert_eq!(declaring(MOST + 1).unwrap_err().problem, Problem::Longer { most: MOST, found: MOST + 1 });
    }
}
