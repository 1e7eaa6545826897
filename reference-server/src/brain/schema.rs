use jsonschema::Validator;
use serde_json::Value;

use super::budget::{Budget, TOO_MUCH};
use super::effort::Effort;
use super::expressions::Expressions;
use super::generate::{Maker, Manner};
use super::hints::Hints;
use super::{Refusal, references, spelling, validation};

/// How values are tried to be made, the fullest first.
const MANNERS: [Manner; 6] = [
    Manner { generous: true, deep: 8, first: 0 },
    Manner { generous: true, deep: 3, first: 0 },
    Manner { generous: false, deep: 8, first: 0 },
    Manner { generous: true, deep: 8, first: 1 },
    Manner { generous: true, deep: 8, first: 2 },
    Manner { generous: false, deep: 1, first: 1 },
];
/// What is told besides of a schema that is none where not every pattern in it is known.
const UNKNOWN_PATTERNS: &str = "; patterns that look around or back, or are too large, are not supported";
/// Most characters of what is told of a schema.
const MOST_TOLD: usize = 200;

/// A JSON Schema that values can be made for. What it takes to understand it is done once, however many they are.
pub(super) struct Schema {
    plain: Value,
    expressions: Expressions,
    validator: Validator,
}

impl Schema {
    /// Understands a schema. One in Gemini's spelling is read as what it means.
    ///
    /// # Errors
    ///
    /// When it is none, or costs too much.
    pub(super) fn read(schema: &Value, budget: &mut Budget) -> Result<Self, Refusal> {
        let plain = spelling::plain(schema);
        if let Some(problem) = references::problem(&plain) {
            return Err(refused(problem));
        }
        let expressions = Expressions::read(&plain, budget).map_err(refused)?;
        let paid = Effort::new(&plain, &expressions, budget).pay_for_schema();
        paid.ok_or_else(|| refused(TOO_MUCH.to_owned()))?;
        match validation::validator(&plain, expressions.room()) {
            Ok(validator) => Ok(Self { plain, expressions, validator }),
            Err(error) => {
                let hint = if expressions.are_known() { "" } else { UNKNOWN_PATTERNS };
                Err(refused(format!("it is not a schema: {}{hint}", validation::told(&error))))
            }
        }
    }

    /// A value that is valid against it, filled with the hints where it leaves something open.
    ///
    /// # Errors
    ///
    /// When none is found, or the search costs too much.
    pub(super) fn value(&self, hints: &Hints, budget: &mut Budget) -> Result<Value, Refusal> {
        let too_much = || refused(TOO_MUCH.to_owned());
        let mut problem = None;
        for manner in MANNERS {
            let made = Maker::new(&self.plain, &self.expressions, hints, manner, budget).make();
            if budget.left() == 0 {
                return Err(too_much());
            }
            let Some(value) = made else { continue };
            Effort::new(&self.plain, &self.expressions, budget).pay_for_value(&value).ok_or_else(too_much)?;
            let missed = self.validator.validate(&value).err().map(|error| validation::told(&error));
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

#[cfg(test)]
pub(super) mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::{Map, json};

    use super::*;

    fn made(schema: &Value, hints: &Hints) -> Result<Value, Refusal> {
        let mut budget = Budget::default();
        Schema::read(schema, &mut budget)?.value(hints, &mut budget)
    }

    /// The value of a schema, with the hints of a text.
    pub(in super::super) fn value(schema: &Value, text: &str) -> Value {
        made(schema, &Hints::of(text)).unwrap()
    }

    /// What is told of a schema that there is no value for.
    pub(in super::super) fn problem(schema: &Value) -> String {
        made(schema, &Hints::default()).unwrap_err().to_string()
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
            (json!({ "$ref": "#" }), "no end"),
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
    fn what_a_value_has_cost_is_missing_for_the_next() {
        let text = json!({ "type": "string", "pattern": "^[a-z]+$", "minLength": 10_000 });
        let texts = json!({ "properties": { "texts": { "type": "array", "items": text, "minItems": 5 } } });
        let mut budget = Budget::default();
        let schema = Schema::read(&texts, &mut budget).unwrap();
        let made = (0..100).take_while(|_| schema.value(&Hints::default(), &mut budget).is_ok()).count();
        assert!((2..50).contains(&made), "{made}");
        let refusal = schema.value(&Hints::default(), &mut budget).unwrap_err();
        assert!(refusal.to_string().contains("too large"), "{refusal}");
        assert!(schema.value(&Hints::default(), &mut Budget::default()).is_ok());
    }

    #[test]
    fn all_manners_share_what_a_value_may_cost() {
        // The numbers cost most of a try; what the first manners make of them is not valid.
        let numbers = json!({ "type": "array", "items": { "type": "integer" }, "minItems": 4_000 });
        let kinds = ["a", "b"].map(|kind| json!({ "properties": { "kind": { "const": kind } } }));
        let schema = json!({
            "properties": { "kind": {}, "numbers": numbers },
            "required": ["kind", "numbers"],
            "anyOf": kinds,
            "not": { "properties": { "kind": { "const": "a" } } },
        });
        let mut budget = Budget::default();
        let read = Schema::read(&schema, &mut budget).unwrap();
        let before = budget.left();
        assert_eq!(read.value(&Hints::default(), &mut budget).unwrap()["kind"], "b");
        let one_try = 4_000 * 200;
        assert!(before - budget.left() > 4 * one_try, "{}", before - budget.left());
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
            let mut budget = Budget::default();
            let hints = Hints::of("to Bob, 3 \"x\"");
            if let Ok(read) = Schema::read(&schema, &mut budget)
                && let Ok(value) = read.value(&hints, &mut budget)
            {
                prop_assert!(read.validator.is_valid(&value));
            }
        }
    }
}
