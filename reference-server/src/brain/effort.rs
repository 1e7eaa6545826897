//! What a validator has to do, paid for before it is let loose: alternatives of alternatives can be more than anybody
//! can look at.

use serde_json::{Map, Value};

use super::budget::Budget;
use super::expressions::Expressions;
use super::generate::MOST_HOPS;
use super::references::{objects, target};

/// What it costs to look at a schema.
const LOOK: usize = 10;

/// What a schema's validator has to do.
pub(super) struct Effort<'a> {
    root: &'a Value,
    expressions: &'a Expressions,
    budget: &'a mut Budget,
}

impl<'a> Effort<'a> {
    /// The effort with this schema.
    pub(super) fn new(root: &'a Value, expressions: &'a Expressions, budget: &'a mut Budget) -> Self {
        Self { root, expressions, budget }
    }

    /// Pays for one value at each place of the schema; nothing where that is too much.
    pub(super) fn pay_for_schema(mut self) -> Option<()> {
        objects(self.root).into_iter().try_for_each(|schema| self.unfold(schema, 0))
    }

    /// Pays for the validation of this value; nothing where that is too much.
    pub(super) fn pay_for_value(mut self, value: &Value) -> Option<()> {
        self.look(self.root, value, 0)
    }

    /// Looks at the schemas of one and the same value.
    fn unfold(&mut self, schema: &'a Map<String, Value>, hops: usize) -> Option<()> {
        self.pay(schema)?;
        if hops == MOST_HOPS {
            return None;
        }
        let mut parts = same(self.root, schema).into_iter().filter_map(Value::as_object);
        parts.try_for_each(|part| self.unfold(part, hops + 1))
    }

    /// Looks at a value and each part of it with every schema that speaks of it.
    fn look(&mut self, schema: &'a Value, value: &Value, hops: usize) -> Option<()> {
        let Value::Object(schema) = schema else { return self.budget.spend(LOOK) };
        self.pay(schema)?;
        if hops == MOST_HOPS {
            return None;
        }
        same(self.root, schema).into_iter().try_for_each(|part| self.look(part, value, hops + 1))?;
        match value {
            Value::Object(members) => {
                self.budget.spend(members.len())?;
                members.iter().try_for_each(|(name, member)| self.look_at_member(schema, name, member))
            }
            Value::Array(items) => {
                let keywords = ["items", "prefixItems", "additionalItems", "contains", "unevaluatedItems"];
                let parts = among(schema, &keywords);
                self.budget.spend(items.len())?;
                items.iter().try_for_each(|item| parts.iter().try_for_each(|&part| self.look(part, item, 0)))
            }
            Value::String(text) => match schema.get("pattern").and_then(Value::as_str) {
                Some(pattern) => self.search(pattern, text),
                None => Some(()),
            },
            _ => Some(()),
        }
    }

    fn look_at_member(&mut self, schema: &'a Map<String, Value>, name: &str, member: &Value) -> Option<()> {
        if let Some(names) = schema.get("propertyNames") {
            self.look(names, &Value::from(name), 0)?;
        }
        let matched = schema.get("patternProperties").and_then(Value::as_object);
        for (pattern, part) in matched.into_iter().flatten() {
            self.search(pattern, name)?;
            self.look(part, member, 0)?;
        }
        let property = schema.get("properties").and_then(|properties| properties.get(name));
        let others = among(schema, &["additionalProperties", "unevaluatedProperties"]);
        property.into_iter().chain(others).try_for_each(|part| self.look(part, member, 0))
    }

    fn search(&mut self, pattern: &str, text: &str) -> Option<()> {
        self.budget.spend(self.expressions.cost(pattern, text))
    }

    /// Pays for a look at a schema, all lists of which are gone through.
    fn pay(&mut self, schema: &Map<String, Value>) -> Option<()> {
        let length = |value: &Value| match value {
            Value::Array(items) => items.len(),
            Value::Object(members) => members.len(),
            _ => 0,
        };
        self.budget.spend(LOOK + schema.values().map(length).sum::<usize>())
    }
}

/// The schemas that a value is looked at with besides this one, because this one says so.
fn same<'a>(root: &'a Value, schema: &'a Map<String, Value>) -> Vec<&'a Value> {
    let mut parts = among(schema, &["anyOf", "oneOf", "allOf", "not", "if", "then", "else"]);
    for keyword in ["dependentSchemas", "dependencies"] {
        parts.extend(schema.get(keyword).and_then(Value::as_object).into_iter().flat_map(Map::values));
    }
    parts.extend(schema.get("$ref").and_then(|reference| target(root, reference)));
    parts
}

fn among<'a>(schema: &'a Map<String, Value>, keywords: &[&str]) -> Vec<&'a Value> {
    let found = keywords.iter().filter_map(|keyword| schema.get(*keyword));
    found.flat_map(|found| found.as_array().map_or(std::slice::from_ref(found), Vec::as_slice)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema::tests::problem;
    use super::*;

    /// What it costs to check a value.
    fn cost(schema: &Value, value: &Value) -> usize {
        let mut budget = Budget::default();
        let expressions = Expressions::read(schema, &mut budget).unwrap();
        let before = budget.left();
        Effort::new(schema, &expressions, &mut budget).pay_for_value(value).unwrap();
        before - budget.left()
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
        let told = problem(&json!({ "$defs": defs, "$ref": "#/$defs/0" }));
        assert!(told.contains("no end"), "{told}");
    }

    #[test]
    fn a_chain_is_followed_to_its_end_or_not_at_all() {
        let chain = |length: usize| {
            let links = (0..length).map(|link| {
                (link.to_string(), json!({ "allOf": [{ "$ref": format!("#/$defs/{}", link + 1) }] }))
            });
            let mut links: Map<_, _> = links.collect();
            links.insert(length.to_string(), json!({ "type": "null" }));
            json!({ "$defs": links, "$ref": "#/$defs/0" })
        };
        let paid = |schema: &Value| {
            let mut budget = Budget::default();
            let expressions = Expressions::read(schema, &mut budget).unwrap();
            Effort::new(schema, &expressions, &mut budget).pay_for_schema()
        };
        assert_eq!(paid(&chain(10)), Some(()));
        // Were it cut instead, alternatives at every end could hide behind it.
        assert_eq!(paid(&chain(40)), None);
    }

    #[test]
    fn searches_for_patterns_are_paid_for() {
        let text = "a".repeat(1_000);
        let plain = cost(&json!({ "type": "string" }), &json!(text));
        let small = cost(&json!({ "pattern": "^[a-f]+$" }), &json!(text));
        let large = cost(&json!({ "pattern": "^[^<>]{1,1200}$" }), &json!(text));
        assert!(plain + 10_000 < small && small * 10 < large, "{plain} {small} {large}");
        let named = json!({ text: null });
        let free = cost(&json!({ "additionalProperties": { "type": "null" } }), &named);
        let matched = cost(&json!({ "patternProperties": { "^[a-f]+$": { "type": "null" } } }), &named);
        let bound = cost(&json!({ "propertyNames": { "pattern": "^[a-f]+$" } }), &named);
        assert!(free + 10_000 < matched && free + 10_000 < bound, "{free} {matched} {bound}");
    }
}
