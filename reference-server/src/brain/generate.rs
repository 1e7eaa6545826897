use std::collections::HashSet;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::expressions::{Expression, Expressions};
use super::hints::Hints;
use super::kind::Kind;
use super::number::Range;
use super::references::target;
use super::sample;

/// Nesting that no value goes beyond.
const DEEPEST: usize = 24;
/// How many alternatives are chosen for one value, one after the other.
const MOST_CHOICES: usize = 12;
/// How many references and parts of schemas are followed one from the other.
pub(super) const MOST_HOPS: usize = 32;
/// What making a value in one manner may cost, besides the search for patterns: a byte of it costs 1, so that there are
/// at most 10,000 values in it.
const TRY: usize = 1_000_000;
/// What looking at a schema costs.
const LOOK: usize = 100;

/// What a property is allowed to be that no schema describes.
static ANYTHING: Value = Value::Bool(true);

/// How a value is made where a schema leaves it open.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// Whether properties are given that need not be, and items of lists that may be empty.
    pub(super) generous: bool,
    /// Nesting from which on nothing is given that need not be.
    pub(super) deep: usize,
    /// Which of several alternatives is tried first.
    pub(super) first: usize,
}

/// Makes a value along a schema. It may miss what only a validator can see, such as `not`.
pub(super) struct Maker<'a> {
    root: &'a Value,
    expressions: &'a Expressions,
    hints: Hints,
    manner: Manner,
    /// What is left of this try, and of all that the request has.
    left: usize,
    budget: &'a mut Budget,
}

/// The schemas that a value has to meet all together.
#[derive(Clone, Default)]
struct Facets<'a> {
    maps: Vec<&'a Map<String, Value>>,
    /// Lists of schemas, of each of which one is to be met.
    choices: Vec<&'a [Value]>,
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// The name of the property; empty at the root.
    name: &'p str,
    depth: usize,
}

impl<'p> Place<'p> {
    fn within(self, name: &'p str) -> Self {
        Self { name, depth: self.depth + 1 }
    }
}

impl<'a> Maker<'a> {
    /// A maker for a schema with these expressions; the hints fill what it leaves open.
    pub(super) fn new(
        root: &'a Value,
        expressions: &'a Expressions,
        hints: &Hints,
        manner: Manner,
        budget: &'a mut Budget,
    ) -> Self {
        Self { root, expressions, hints: hints.clone(), manner, left: TRY, budget }
    }

    /// A value, or nothing where none was found. It is an object where the schema does not say what it is.
    pub(super) fn make(mut self) -> Option<Value> {
        self.value(&[self.root], Place { name: "", depth: 0 })
    }

    fn value(&mut self, schemas: &[&'a Value], place: Place<'_>) -> Option<Value> {
        if place.depth > DEEPEST {
            return None;
        }
        let mut facets = Facets::default();
        schemas.iter().try_for_each(|schema| self.expand(schema, &mut facets, 0))?;
        self.choose(&facets, 0, place)
    }

    /// Adds a schema to the facets, and all that it refers to and consists of.
    fn expand(&mut self, schema: &'a Value, facets: &mut Facets<'a>, hops: usize) -> Option<()> {
        self.spend(LOOK)?;
        let map = match schema {
            Value::Bool(true) => return Some(()),
            Value::Object(map) if hops < MOST_HOPS => map,
            _ => return None,
        };
        facets.maps.push(map);
        if let Some(reference) = map.get("$ref") {
            self.expand(target(self.root, reference)?, facets, hops + 1)?;
        }
        for part in list(map, "allOf") {
            self.expand(part, facets, hops + 1)?;
        }
        let choices = ["anyOf", "oneOf"].map(|keyword| list(map, keyword));
        facets.choices.extend(choices.into_iter().filter(|choice| !choice.is_empty()));
        Some(())
    }

    /// Decides on an alternative wherever there are some.
    fn choose(&mut self, facets: &Facets<'a>, made: usize, place: Place<'_>) -> Option<Value> {
        let Some(alternatives) = facets.choices.get(made).copied() else {
            return self.plain(&facets.maps, place);
        };
        if made == MOST_CHOICES {
            return None;
        }
        let count = alternatives.len();
        let mut ordered: Vec<_> =
            alternatives.iter().cycle().skip(self.manner.first % count).take(count).collect();
        let deep = self.is_deep(place);
        ordered.sort_by_key(|alternative| match (is_null(alternative), deep) {
            (null, false) => usize::from(null),
            (true, true) => 0,
            (false, true) => 1 + usize::from(alternative.get("$ref").is_some()),
        });
        ordered.into_iter().find_map(|alternative| {
            let mut facets = facets.clone();
            self.expand(alternative, &mut facets, 0)?;
            self.choose(&facets, made + 1, place)
        })
    }

    fn plain(&mut self, facets: &[&'a Map<String, Value>], place: Place<'_>) -> Option<Value> {
        self.spend(LOOK * facets.len().max(1))?;
        let stated = stated_kinds(facets)?;
        if let Some(listed) = facets.iter().find_map(|facet| listed(facet)) {
            return self.pick(listed, facets, stated.as_deref());
        }
        let fallback = if place.depth == 0 { Kind::Object } else { Kind::String };
        let implied =
            || facets.iter().flat_map(|facet| facet.keys()).find_map(|keyword| Kind::implied_by(keyword));
        let mut kinds = stated.unwrap_or_else(|| vec![implied().unwrap_or(fallback)]);
        let deep = self.is_deep(place);
        kinds.sort_by_key(|kind| (*kind == Kind::Null) != deep);
        kinds.into_iter().find_map(|kind| match kind {
            Kind::Object => self.object(facets, place),
            Kind::Array => self.array(facets, place),
            Kind::String => self.string(facets, place).map(Value::String),
            Kind::Integer | Kind::Number => {
                let range = Range::of(facets, kind == Kind::Integer);
                range.pick(&mut self.hints).map(Value::Number)
            }
            Kind::Boolean => Some(Value::Bool(true)),
            Kind::Null => Some(Value::Null),
        })
    }

    /// The first of the listed values that every schema allows.
    fn pick(
        &mut self,
        listed: &'a [Value],
        facets: &[&Map<String, Value>],
        kinds: Option<&[Kind]>,
    ) -> Option<Value> {
        let comparisons: usize = facets.iter().map(|facet| list(facet, "enum").len()).sum();
        for value in listed {
            let size = size(value);
            self.spend(1 + comparisons * (8 + size / 8) / 64)?;
            let is_typed = kinds.is_none_or(|kinds| kinds.iter().any(|kind| kind.holds(value)));
            if is_typed && facets.iter().all(|facet| lists(facet, value)) {
                self.spend(size)?;
                return Some(value.clone());
            }
        }
        None
    }

    fn object(&mut self, facets: &[&'a Map<String, Value>], place: Place<'_>) -> Option<Value> {
        let is_generous = self.manner.generous && !self.is_deep(place);
        let described: Vec<_> =
            facets.iter().filter_map(|facet| facet.get("properties")?.as_object()).collect();
        let required: Vec<_> =
            facets.iter().flat_map(|facet| list(facet, "required")).filter_map(Value::as_str).collect();
        // Names that are not given are looked at all the same.
        let names = required.len() + described.iter().map(|properties| properties.len()).sum::<usize>();
        self.spend(names * described.len().max(1))?;
        let needed: HashSet<_> = required.iter().copied().collect();
        let mut object = Map::new();
        for name in described.iter().flat_map(|properties| properties.keys()) {
            let is_needed = needed.contains(name.as_str());
            if object.contains_key(name) || !(is_needed || is_generous) {
                continue;
            }
            let schemas: Vec<_> = described.iter().filter_map(|properties| properties.get(name)).collect();
            self.spend(name.len())?;
            match self.value(&schemas, place.within(name)) {
                Some(value) => drop(object.insert(name.clone(), value)),
                None if is_needed => return None,
                None => {}
            }
        }
        let mut others: Vec<_> =
            facets.iter().filter_map(|facet| facet.get("additionalProperties")).collect();
        if others.is_empty() {
            others.push(&ANYTHING);
        }
        let least = bound(facets, "minProperties").max().unwrap_or_default();
        let made_up = (1..=least).map(|number| format!("key{number}"));
        for (index, name) in required.iter().map(|&name| name.to_owned()).chain(made_up).enumerate() {
            let is_asked_for = index < required.len() || object.len() < least;
            if object.contains_key(&name) || !is_asked_for {
                continue;
            }
            self.spend(name.len())?;
            let value = self.value(&others, place.within(&name))?;
            object.insert(name, value);
        }
        Some(Value::Object(object))
    }

    fn array(&mut self, facets: &[&'a Map<String, Value>], place: Place<'_>) -> Option<Value> {
        let least = bound(facets, "minItems").max().unwrap_or_default();
        let most = bound(facets, "maxItems").min().unwrap_or(usize::MAX);
        let placed = facets.iter().map(|facet| list(facet, "prefixItems").len()).max().unwrap_or_default();
        let wanted = if self.manner.generous && !self.is_deep(place) { placed.max(1) } else { 0 };
        let mut items = Vec::new();
        for index in 0..wanted.max(least).min(most) {
            let schemas: Vec<_> = facets.iter().filter_map(|facet| item(facet, index)).collect();
            match self.value(&schemas, place.within(place.name)) {
                Some(value) => items.push(value),
                None if index < least => return None,
                None => break,
            }
        }
        Some(Value::Array(items))
    }

    fn string(&mut self, facets: &[&'a Map<String, Value>], place: Place<'_>) -> Option<String> {
        let least = bound(facets, "minLength").max().unwrap_or_default();
        let most = bound(facets, "maxLength").min().unwrap_or(usize::MAX);
        if least > sample::LONGEST {
            return None;
        }
        let patterns = facets.iter().filter_map(|facet| facet.get("pattern")?.as_str());
        let known = self.expressions;
        let expressions = patterns.map(|pattern| known.get(pattern)).collect::<Option<Vec<_>>>()?;
        let budget = &mut *self.budget;
        let fits = |text: &str, budget: &mut Budget| {
            budget.spend(1 + text.len() / 16).is_some()
                && (least..=most).contains(&text.chars().count())
                && expressions.iter().all(|expression| expression.is_in(text, budget))
        };
        let format = facets.iter().find_map(|facet| sample::of_format(facet.get("format")?.as_str()?));
        let usual = match format {
            Some(sample) => Some(sample.to_owned()).filter(|text| fits(text, budget)),
            None => self
                .hints
                .take_word(|word| fits(word, budget))
                .or_else(|| Some(fitted(place.name, least, most)).filter(|text| fits(text, budget))),
        };
        let sample = |expression: &&Expression| expression.sample(least, budget, fits);
        let text = usual.or_else(|| expressions.iter().find_map(sample))?;
        self.spend(text.len())?;
        Some(text)
    }

    fn is_deep(&self, place: Place<'_>) -> bool {
        place.depth >= self.manner.deep
    }

    fn spend(&mut self, cost: usize) -> Option<()> {
        self.left = self.left.checked_sub(cost)?;
        self.budget.spend(cost)
    }
}

fn list<'a>(map: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    map.get(keyword).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The values that a schema lists, one of which it has to be.
fn listed(facet: &Map<String, Value>) -> Option<&[Value]> {
    let only = facet.get("const").map(std::slice::from_ref);
    only.or_else(|| Some(facet.get("enum")?.as_array()?.as_slice()))
}

/// Whether a value is among those that a schema lists, if it lists any.
fn lists(facet: &Map<String, Value>, value: &Value) -> bool {
    facet.get("const").is_none_or(|only| only == value)
        && facet
            .get("enum")
            .is_none_or(|members| members.as_array().is_some_and(|members| members.contains(value)))
}

/// The types that all schemas allow; nothing within where none of them speaks of types, nothing at all where no type
/// is left.
#[expect(clippy::option_option, reason = "no type and any type are different")]
fn stated_kinds(facets: &[&Map<String, Value>]) -> Option<Option<Vec<Kind>>> {
    let mut kinds: Option<Vec<Kind>> = None;
    for stated in facets.iter().filter_map(|facet| facet.get("type")) {
        let stated = Kind::stated(stated)?;
        kinds = Some(match kinds {
            Some(known) => known.into_iter().filter_map(|kind| kind.within(&stated)).collect(),
            None => stated,
        });
    }
    Some(kinds)
}

fn bound(facets: &[&Map<String, Value>], keyword: &str) -> impl Iterator<Item = usize> {
    facets.iter().filter_map(move |facet| usize::try_from(facet.get(keyword)?.as_u64()?).ok())
}

/// The schema of an item of a list.
fn item(facet: &Map<String, Value>, index: usize) -> Option<&Value> {
    list(facet, "prefixItems").get(index).or_else(|| facet.get("items"))
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null") || schema.get("const").is_some_and(Value::is_null)
}

/// Roughly how many bytes a value has.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + size(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// A name as long as is asked for: cut, or said again.
fn fitted(name: &str, least: usize, most: usize) -> String {
    let name = if name.is_empty() { "text" } else { name };
    let length = name.chars().count().max(least).min(most);
    name.chars().cycle().take(length).collect()
}
