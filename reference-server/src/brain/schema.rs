use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::generate::{MOST_HOPS, Maker, Manner, target};
use super::hints::Hints;
use super::{Refusal, spelling};

/// How values are tried to be made, the fullest first.
const MANNERS: [Manner; 6] = [
    Manner { generous: true, deep: 8, first: 0 },
    Manner { generous: true, deep: 3, first: 0 },
    Manner { generous: false, deep: 8, first: 0 },
    Manner { generous: true, deep: 8, first: 1 },
    Manner { generous: true, deep: 8, first: 2 },
    Manner { generous: false, deep: 1, first: 1 },
];
/// How many schemas a validator may have to look at for one value and its parts.
const MOST_LOOKS: usize = 200_000;
/// Most patterns in a schema. Each takes as long to understand as everything else together.
const MOST_PATTERNS: usize = 64;
/// Ways to refer to a part of a schema besides its place. Nobody could say beforehand where they lead.
const REFERENCES: [&str; 5] = ["$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$id"];
/// Most characters of what is told of a schema.
const MOST_TOLD: usize = 200;

/// A JSON Schema that values can be made for.
pub(super) struct Schema {
    plain: Value,
    validator: Validator,
}

impl Schema {
    /// Understands a schema. One in Gemini's spelling is read as what it means.
    ///
    /// # Errors
    ///
    /// When it is none, or too large.
    pub(super) fn read(schema: &Value) -> Result<Self, Refusal> {
        let plain = spelling::plain(schema);
        let mut patterns = MOST_PATTERNS;
        if let Some(problem) = unknowable(&plain, &plain, &mut patterns) {
            return Err(refused(problem));
        }
        let mut left = MOST_LOOKS;
        if !is_bounded(&plain, &plain, &mut left) {
            return Err(refused("it is too large".to_owned()));
        }
        // With this engine a pattern cannot take longer than its text is long.
        let options = jsonschema::options().offline().should_validate_formats(true);
        match options.with_pattern_options(PatternOptions::regex()).build(&plain) {
            Ok(validator) => Ok(Self { plain, validator }),
            Err(error) => Err(refused(format!("it is not a schema: {}", told(&error)))),
        }
    }

    /// A value that is valid against it, filled with the hints where it leaves something open.
    ///
    /// # Errors
    ///
    /// When none is found.
    pub(super) fn value(&self, hints: &Hints) -> Result<Value, Refusal> {
        let mut problem = None;
        for manner in MANNERS {
            let Some(value) = Maker::new(&self.plain, hints, manner).make() else { continue };
            let mut left = MOST_LOOKS;
            if !ends_soon(&self.plain, &self.plain, &value, &mut left, 0) {
                return Err(refused("it is too large".to_owned()));
            }
            let missed = self.validator.validate(&value).err().map(|error| told(&error));
            match missed {
                None => return Ok(value),
                Some(missed) => problem = problem.or(Some(missed)),
            }
        }
        let problem =
            problem.unwrap_or_else(|| "its parts exclude each other, or there is no end to it".to_owned());
        Err(refused(problem))
    }
}

fn refused(mut problem: String) -> Refusal {
    if let Some((end, _)) = problem.char_indices().nth(MOST_TOLD) {
        problem.truncate(end);
        problem.push('…');
    }
    Refusal::Schema { problem }
}

/// What is wrong and where, without the value that it is wrong of.
fn told(error: &ValidationError<'_>) -> String {
    match error.instance_path().as_str() {
        "" => error.masked().to_string(),
        place => format!("{place}: {}", error.masked()),
    }
}

/// Why nothing can be said of a schema before it is used, if there is a reason.
fn unknowable(root: &Value, schema: &Value, patterns: &mut usize) -> Option<String> {
    let parts: Vec<&Value> = match schema {
        Value::Object(map) => {
            let is_used = |keyword: &&str| map.get(*keyword).is_some_and(Value::is_string);
            if let Some(keyword) = REFERENCES.into_iter().find(is_used) {
                return Some(format!("it has {keyword}, which is not supported here"));
            }
            let within = |text: &&str| text.starts_with('#');
            if let Some(reference) = map.get("$ref").filter(|text| text.as_str().as_ref().is_some_and(within))
                && target(root, reference).is_none()
            {
                return Some("one of its references leads nowhere".to_owned());
            }
            if map.get("pattern").is_some_and(Value::is_string) {
                match patterns.checked_sub(1) {
                    Some(left) => *patterns = left,
                    None => return Some(format!("it has more than {MOST_PATTERNS} patterns")),
                }
            }
            map.values().collect()
        }
        Value::Array(parts) => parts.iter().collect(),
        _ => Vec::new(),
    };
    parts.into_iter().find_map(|part| unknowable(root, part, patterns))
}

/// Whether a validator comes to an end soon with a value: each part of it is looked at with every schema that speaks
/// of it.
fn ends_soon(root: &Value, schema: &Value, value: &Value, left: &mut usize, hops: usize) -> bool {
    let Some(less) = left.checked_sub(1) else { return false };
    *left = less;
    let Value::Object(map) = schema else { return true };
    if hops == MOST_HOPS {
        return true;
    }
    let among = |keywords: &[&str]| -> Vec<&Value> {
        let found = keywords.iter().filter_map(|keyword| map.get(*keyword));
        found.flat_map(|found| found.as_array().map_or(std::slice::from_ref(found), Vec::as_slice)).collect()
    };
    let named = |keyword: &str| map.get(keyword).and_then(Value::as_object);
    let own = among(&["anyOf", "oneOf", "allOf", "not", "if", "then", "else"]);
    let dependent = named("dependentSchemas").into_iter().flat_map(|schemas| schemas.values());
    let referred = map.get("$ref").and_then(|reference| target(root, reference));
    let mut same = own.into_iter().chain(dependent).chain(referred);
    if !same.all(|part| ends_soon(root, part, value, left, hops + 1)) {
        return false;
    }
    match value {
        Value::Object(members) => {
            let others = among(&["additionalProperties", "unevaluatedProperties", "propertyNames"]);
            let patterns: Vec<_> =
                named("patternProperties").into_iter().flat_map(|schemas| schemas.values()).collect();
            members.iter().all(|(name, member)| {
                let property = named("properties").and_then(|schemas| schemas.get(name));
                let mut parts =
                    property.into_iter().chain(others.iter().copied()).chain(patterns.iter().copied());
                parts.all(|part| ends_soon(root, part, member, left, 0))
            })
        }
        Value::Array(elements) => {
            let parts = among(&["items", "prefixItems", "contains", "unevaluatedItems"]);
            elements.iter().all(|element| parts.iter().all(|part| ends_soon(root, part, element, left, 0)))
        }
        _ => true,
    }
}

/// Whether a validator comes to an end soon: alternatives of alternatives can be more than anybody can look at.
fn is_bounded(root: &Value, schema: &Value, left: &mut usize) -> bool {
    match schema {
        Value::Object(map) => {
            unfolds(root, schema, left, 0) && map.values().all(|part| is_bounded(root, part, left))
        }
        Value::Array(parts) => parts.iter().all(|part| is_bounded(root, part, left)),
        _ => true,
    }
}

/// Counts the schemas that are looked at for one and the same value.
fn unfolds(root: &Value, schema: &Value, left: &mut usize, hops: usize) -> bool {
    let Some(less) = left.checked_sub(1) else { return false };
    *left = less;
    let Value::Object(map) = schema else { return true };
    if hops == MOST_HOPS {
        return true;
    }
    let lists =
        ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|keyword| map.get(keyword)?.as_array()).flatten();
    let parts = ["not", "if", "then", "else"].into_iter().filter_map(|keyword| map.get(keyword));
    let referred = map.get("$ref").and_then(|reference| target(root, reference));
    lists.chain(parts).chain(referred).all(|part| unfolds(root, part, left, hops + 1))
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::{Map, json};

    use super::*;

    fn value(schema: &Value, text: &str) -> Value {
        Schema::read(schema).unwrap().value(&Hints::of(text)).unwrap()
    }

    fn problem(schema: &Value) -> String {
        let refusal = Schema::read(schema).and_then(|schema| schema.value(&Hints::default())).unwrap_err();
        refusal.to_string()
    }

    #[test]
    fn hints_fill_what_the_schema_leaves_open() {
        let weather = json!({
            "type": "object",
            "properties": {
                "city": { "type": "string" },
                "country": { "type": "string" },
                "unit": { "type": "string", "enum": ["celsius", "fahrenheit"] },
                "days": { "type": "integer", "minimum": 1, "maximum": 10 },
                "alerts": { "type": "boolean" },
            },
            "required": ["city"],
            "additionalProperties": false,
        });
        assert_eq!(
            value(&weather, "What will the weather be in Paris for 20 or 3 days?"),
            json!({ "city": "Paris", "country": "country", "unit": "celsius", "days": 3, "alerts": true })
        );
        assert_eq!(value(&weather, "Hello")["days"], json!(1));
    }

    #[test]
    fn the_spelling_of_gemini_is_understood() {
        let schema = json!({
            "type": "OBJECT",
            "properties": {
                "type": { "type": "STRING", "nullable": true },
                "tags": { "type": "ARRAY", "items": { "type": "STRING" }, "minItems": "2" },
            },
            "propertyOrdering": ["type", "tags"],
        });
        assert_eq!(value(&schema, "In Rome"), json!({ "type": "Rome", "tags": ["tags", "tags"] }));
    }

    #[test]
    fn a_recursion_ends_the_way_it_may() {
        let list = json!({
            "$defs": { "node": {
                "type": "object",
                "properties": {
                    "value": { "type": "string" },
                    "next": { "anyOf": [{ "$ref": "#/$defs/node" }, { "type": "null" }] },
                },
                "required": ["value", "next"],
                "additionalProperties": false,
            } },
            "$ref": "#/$defs/node",
        });
        let mut node = &value(&list, "");
        let mut nodes = 0;
        while node.is_object() {
            node = &node["next"];
            nodes += 1;
        }
        assert!(node.is_null() && nodes > 1 && nodes < 10, "{nodes}");
        let many = |name: &str| (name.to_owned(), json!({ "$ref": "#" }));
        let tree =
            json!({ "type": "object", "properties": Map::from_iter(["a", "b", "c", "d", "e"].map(many)) });
        assert!(value(&tree, "").is_object());
        let items = json!({ "type": "array", "items": { "$ref": "#" } });
        assert!(value(&items, "").is_array());
    }

    #[test]
    fn parts_and_alternatives_are_met_together() {
        let schema = json!({
            "$defs": { "named": { "properties": { "name": { "type": "string", "minLength": 3 } }, "required": ["name"] } },
            "type": "object",
            "allOf": [
                { "$ref": "#/$defs/named" },
                { "properties": { "name": { "maxLength": 3 }, "kind": { "const": "dog" } }, "required": ["kind"] },
            ],
            "oneOf": [
                { "properties": { "kind": { "const": "cat" } }, "required": ["kind"] },
                { "properties": { "kind": { "const": "dog" }, "age": { "type": ["null", "integer"] } } },
            ],
        });
        assert_eq!(value(&schema, "of 7"), json!({ "name": "nam", "kind": "dog", "age": 7 }));
        let pair = json!({ "type": "array", "prefixItems": [{ "type": "number" }, { "enum": ["m", "km"] }], "items": false });
        assert_eq!(value(&pair, ""), json!([0, "m"]));
        let map =
            json!({ "additionalProperties": { "type": "integer" }, "required": ["a b"], "minProperties": 3 });
        assert_eq!(value(&map, ""), json!({ "a b": 0, "key1": 0, "key2": 0 }));
        assert_eq!(value(&json!({}), "Rome"), json!({}));
        assert_eq!(value(&json!(true), ""), json!({}));
    }

    #[test]
    fn texts_have_their_pattern_format_and_length() {
        let text = |schema: Value, question: &str| {
            let object = json!({ "properties": { "it": schema }, "required": ["it"] });
            value(&object, question)["it"].clone()
        };
        assert_eq!(text(json!({ "pattern": "^[A-Z]{2}-\\d+$" }), "in Rome"), "AA-0");
        assert_eq!(text(json!({ "pattern": "^[A-Z][a-z]+$" }), "in Rome"), "Rome");
        assert_eq!(text(json!({ "type": "string", "minLength": 5 }), "in Rome"), "ititi");
        assert_eq!(text(json!({ "format": "uuid" }), "in Rome"), "123e4567-e89b-42d3-a456-426614174000");
        assert_eq!(text(json!({ "format": "int32", "type": "string" }), "in Rome"), "Rome");
        assert_eq!(text(json!({ "pattern": "^[a-f]+$", "minLength": 4, "maxLength": 6 }), ""), "aaaa");
    }

    #[test]
    fn what_cannot_be_met_is_refused_in_few_words() {
        for (schema, told) in [
            (json!({ "type": "sentence" }), "it is not a schema"),
            (json!({ "type": "object", "properties": [] }), "it is not a schema: /properties"),
            (json!({ "$ref": "https://example.com/schema" }), "it is not a schema"),
            (json!({ "type": "string", "pattern": "(?=a)b" }), "it is not a schema"),
            (json!(false), "exclude each other"),
            (json!({ "type": "string", "enum": [1] }), "exclude each other"),
            (json!({ "$ref": "#" }), "exclude each other"),
            (json!({ "type": "integer", "minimum": 2, "maximum": 1 }), "exclude each other"),
            (
                json!({ "type": "array", "minItems": 1_000_000, "items": { "type": "null" } }),
                "exclude each other",
            ),
            (json!({ "type": "string", "not": { "type": "string" } }), "not"),
        ] {
            let problem = problem(&schema);
            assert!(problem.starts_with("no value is valid against the schema: "), "{problem}");
            assert!(problem.contains(told) && problem.chars().count() < 300, "{schema}: {problem}");
        }
        assert!(problem(&json!({ "type": "x".repeat(10_000) })).len() < 300);
    }

    #[test]
    fn alternatives_of_alternatives_do_not_hang_the_model() {
        let defs = (0..40).map(|level| {
            let next = json!({ "$ref": format!("#/$defs/{}", level + 1) });
            (level.to_string(), json!({ "not": { "oneOf": [next.clone(), next] } }))
        });
        let mut defs: Map<_, _> = defs.collect();
        defs.insert("40".to_owned(), json!({ "type": "null" }));
        assert!(problem(&json!({ "$defs": defs, "$ref": "#/$defs/0" })).contains("too large"));
    }

    #[test]
    fn alternatives_within_alternatives_of_parts_do_not_hang_it_either() {
        let levels = 24;
        let defs = (0..levels).map(|level: usize| {
            let next = json!({
                "properties": { "a": { "$ref": format!("#/$defs/{}", level + 1) } }, "required": ["a"],
            });
            let not_met = json!({ "allOf": [next, { "required": ["zz"] }] });
            let alternatives = [next.clone(), not_met.clone(), not_met.clone(), not_met];
            (level.to_string(), json!({ "type": "object", "oneOf": alternatives }))
        });
        let mut defs: Map<_, _> = defs.collect();
        defs.insert(levels.to_string(), json!({ "type": "null" }));
        let told = Schema::read(&json!({ "$defs": defs, "$ref": "#/$defs/0" }));
        let told = told.and_then(|schema| schema.value(&Hints::default())).unwrap_err().to_string();
        assert!(told.contains("too large") || told.contains("no end"), "{told}");
    }

    #[test]
    fn what_nobody_can_look_into_beforehand_is_refused() {
        let encoded = json!({ "$ref": "#/%24defs/a", "$defs": { "a": { "type": "null" } } });
        let anchored = json!({ "$ref": "#a", "$defs": { "a": { "$anchor": "a", "type": "null" } } });
        let many: Map<_, _> =
            (0..65).map(|number| (format!("p{number}"), json!({ "pattern": "^a$" }))).collect();
        for (schema, told) in [
            (encoded, "leads nowhere"),
            (anchored, "leads nowhere"),
            (json!({ "$anchor": "a" }), "$anchor"),
            (json!({ "properties": { "a": { "$dynamicRef": "#a" } } }), "$dynamicRef"),
            (json!({ "properties": many }), "more than 64 patterns"),
        ] {
            assert!(problem(&schema).contains(told), "{schema}: {}", problem(&schema));
        }
        let named = json!({ "type": "object", "properties": { "$id": { "type": "null" } } });
        assert_eq!(value(&named, ""), json!({ "$id": null }));
    }

    /// Schemas that can be met.
    fn schemas() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (0_u32..20, 0_u32..20).prop_map(|(least, more)| {
                json!({ "type": "string", "minLength": least, "maxLength": least + more })
            }),
            (-50_i32..50, 0_i32..50).prop_map(|(least, more)| {
                json!({ "type": "integer", "minimum": least, "maximum": least + more })
            }),
            (-50_i32..50, 1_i32..9).prop_map(|(least, step)| {
                json!({ "type": ["number", "null"], "exclusiveMinimum": least, "multipleOf": f64::from(step) / 4.0 })
            }),
            vec("[a-z]{1,5}", 1..4).prop_map(|members| json!({ "enum": members })),
            "[a-c]{1,3}[0-9]".prop_map(|text| json!({ "type": "string", "pattern": format!("^{text}+$") })),
            select(&["date", "date-time", "email", "uuid"][..]).prop_map(|format| json!({ "type": "string", "format": format })),
            Just(json!({ "type": "boolean" })),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                (btree_map("[a-z]{1,6}", inner.clone(), 0..5), any::<bool>()).prop_map(
                    |(properties, all)| {
                        let required: Vec<_> = properties.keys().filter(|_| all).cloned().collect();
                        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
                    }
                ),
                (inner.clone(), 0_u32..4)
                    .prop_map(|(items, least)| json!({ "type": "array", "items": items, "minItems": least })),
                vec(inner, 1..3).prop_map(|schemas| json!({ "anyOf": schemas })),
            ]
        })
    }

    const TEXTS: &[&str] =
        &["#", "#/a", "object", "array", "STRING", "integer", "null", "date", "^a+$", "[a", "(b{9}){9}", "a"];
    const KEYWORDS: &[&str] = &[
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "$ref",
        "minimum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "nullable",
        "minProperties",
        "a",
    ];

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            select(TEXTS).prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..5).prop_map(Value::from),
                btree_map(select(KEYWORDS), inner, 0..6)
                    .prop_map(|members| members.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_is_valid_against_its_schema(schema in schemas(), text in "[A-Z]?[a-z0-9 ]{0,20}") {
            let value = value(&schema, &text);
            prop_assert!(jsonschema::is_valid(&schema, &value), "{} against {}", value, schema);
        }

        #[test]
        fn any_json_is_borne_as_a_schema(schema in any_json()) {
            if let Ok(read) = Schema::read(&schema) && let Ok(value) = read.value(&Hints::of("to Bob, 3 \"x\"")) {
                prop_assert!(read.validator.is_valid(&value));
            }
        }
    }
}
