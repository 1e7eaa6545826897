//! The regular expressions of a schema.

use std::collections::{BTreeSet, HashMap};

use jsonschema::Validator;
use regex_syntax::hir::Hir;
use serde_json::{Map, Value, json};

use super::budget::{Budget, TOO_MUCH};
use super::references::objects;
use super::{sample, validation};

/// Most expressions in a schema.
const MOST: usize = 64;
/// Bytes that an expression may take when it is compiled. It gets the fewest of these that suffice: they tell how much
/// work it makes.
const ROOMS: [usize; 4] = [4 * 1024, SMALL, 256 * 1024, 2 * 1024 * 1024];
/// What suffices for most that are written for other engines.
const SMALL: usize = 32 * 1024;
/// What a byte of room costs when an expression is compiled: on its own, and as a part of its schema.
const COMPILING: usize = 3;
/// What a byte of an expression costs when it is parsed. Some names of classes stand for hundreds of ranges.
const PARSING: usize = 1_000;
/// How many bytes of room make the search through a byte of a text cost 1.
const SEARCHING: usize = 256;
/// The classes that the engine has another meaning for, and how long they become when they are spelled out for it.
const CLASSES: &[u8] = b"dDwWsS";
const LONGEST_CLASS: usize = 150;

/// The regular expressions of a schema, each compiled once for all values that are made for it.
pub(super) struct Expressions {
    known: HashMap<String, Expression>,
    /// How many are none, look around or back, or are too large.
    unknown: usize,
    /// The bytes that suffice for each that is known.
    room: usize,
}

impl Expressions {
    /// Compiles all that texts and the names of properties are matched with.
    ///
    /// # Errors
    ///
    /// When there are too many, or they cost too much.
    pub(super) fn read(root: &Value, budget: &mut Budget) -> Result<Self, String> {
        let schemas = objects(root);
        let of_texts = schemas.iter().filter_map(|schema| schema.get("pattern")?.as_str());
        let of_names = schemas.iter().filter_map(|schema| schema.get("patternProperties")?.as_object());
        let of_names = of_names.flat_map(Map::keys).map(String::as_str);
        let patterns: BTreeSet<_> = of_texts.chain(of_names).collect();
        if patterns.len() > MOST {
            return Err(format!("it has more than {MOST} patterns"));
        }
        let mut all = Self { known: HashMap::new(), unknown: 0, room: SMALL };
        for pattern in patterns {
            match Expression::read(pattern, budget).ok_or(TOO_MUCH)? {
                Ok(expression) => {
                    all.room = all.room.max(expression.room);
                    all.known.insert(pattern.to_owned(), expression);
                }
                Err(Unknown) => all.unknown += 1,
            }
        }
        // In the schema's validator they may take as much room as the others.
        budget.spend(all.unknown * all.room * COMPILING).ok_or(TOO_MUCH)?;
        Ok(all)
    }

    /// The expression of a pattern, if it is known.
    pub(super) fn get(&self, pattern: &str) -> Option<&Expression> {
        self.known.get(pattern)
    }

    /// Whether each pattern is known.
    pub(super) fn are_known(&self) -> bool {
        self.unknown == 0
    }

    /// The bytes that suffice for each that is known.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// What it costs to search a text for a pattern.
    pub(super) fn cost(&self, pattern: &str, text: &str) -> usize {
        cost(self.get(pattern).map_or(self.room, |expression| expression.room), text)
    }
}

/// It is no expression, looks around or back, or is too large.
struct Unknown;

/// A regular expression.
pub(super) struct Expression {
    /// Says of a text what the schema's own validator is going to say.
    validator: Validator,
    /// What texts are made along, where it is known.
    shape: Option<Hir>,
    room: usize,
}

impl Expression {
    /// Nothing where it costs too much.
    fn read(pattern: &str, budget: &mut Budget) -> Option<Result<Self, Unknown>> {
        budget.spend(pattern.len() * PARSING)?;
        budget.spend(spelling_cost(pattern))?;
        let shape = regex_syntax::parse(pattern).ok();
        let schema = json!({ "pattern": pattern });
        // What only other engines understand is not worth the search for its size.
        let most = if shape.is_some() { usize::MAX } else { SMALL };
        for room in ROOMS.into_iter().filter(|room| *room <= most) {
            budget.spend(room * COMPILING)?;
            if let Ok(validator) = validation::validator(&schema, room) {
                return Some(Ok(Self { validator, shape, room }));
            }
        }
        Some(Err(Unknown))
    }

    /// Whether it is found in a text. One that is longer than any that is made is not searched.
    pub(super) fn is_in(&self, text: &str, budget: &mut Budget) -> bool {
        text.len() <= sample::LONGEST
            && budget.spend(cost(self.room, text)).is_some()
            && self.validator.is_valid(&Value::from(text))
    }

    /// A text in which it is found and that fits; `least` is a length that may be needed.
    pub(super) fn sample(
        &self,
        least: usize,
        budget: &mut Budget,
        fits: impl Fn(&str, &mut Budget) -> bool,
    ) -> Option<String> {
        sample::matching(self.shape.as_ref()?, least, budget, fits)
    }
}

fn cost(room: usize, text: &str) -> usize {
    (1 + text.len()) * (room / SEARCHING)
}

/// What it costs to spell a pattern for the engine: classes such as `\d` are spelled out one by one, and the whole is
/// parsed again after each.
fn spelling_cost(pattern: &str) -> usize {
    let is_class = |pair: &&[u8]| matches!(pair, [b'\\', name] if CLASSES.contains(name));
    let classes = pattern.as_bytes().windows(2).filter(is_class).count();
    classes * (pattern.len() + classes * LONGEST_CLASS) * 6
}

#[cfg(test)]
mod tests {
    use super::super::hints::Hints;
    use super::super::schema::Schema;
    use super::super::schema::tests::{problem, value};
    use super::*;

    /// A schema of texts that each have one of these patterns.
    fn texts<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Value {
        let numbered = patterns.into_iter().enumerate();
        let texts = numbered.map(|(number, pattern)| (format!("p{number}"), json!({ "pattern": pattern })));
        json!({ "type": "object", "properties": texts.collect::<Map<_, _>>() })
    }

    fn read(schema: &Value) -> (Expressions, usize) {
        let mut budget = Budget::default();
        let expressions = Expressions::read(schema, &mut budget).unwrap();
        (expressions, Budget::default().left() - budget.left())
    }

    #[test]
    fn each_is_compiled_once_wherever_it_stands() {
        let (one, cost_of_one) = read(&texts(["^[a-f]+$"]));
        let (same, cost_of_same) = read(&texts(["^[a-f]+$"; 100]));
        assert_eq!((one.known.len(), same.known.len()), (1, 1));
        assert_eq!(cost_of_one, cost_of_same);
        assert_eq!(value(&texts(["^[a-f]+$"; 100]), "")["p99"], "a");
    }

    #[test]
    fn values_do_not_pay_for_compiling() {
        let mut budget = Budget::default();
        let schema = Schema::read(&texts(["^[^<>]{1,400}$"]), &mut budget).unwrap();
        let mut spent = vec![Budget::default().left() - budget.left()];
        for _ in 0..3 {
            let before = budget.left();
            schema.value(&Hints::default(), &mut budget).unwrap();
            spent.push(before - budget.left());
        }
        assert!(spent[1] * 10 < spent[0] && spent[1] == spent[2] && spent[2] == spent[3], "{spent:?}");
    }

    #[test]
    fn the_larger_they_are_the_fewer_there_may_be() {
        let simple: Vec<_> = (0..MOST).map(|number| format!("^a{number}+$")).collect();
        assert_eq!(value(&texts(simple.iter().map(String::as_str)), "")["p7"], "a7");
        let large: Vec<_> = (0..MOST).map(|number| format!("^[^<>]{{1,{}}}$", 300 + number)).collect();
        assert!(problem(&texts(large.iter().map(String::as_str))).contains("too large"));
        let classes = "\\s".repeat(2_000);
        assert!(problem(&texts([classes.as_str()])).contains("too large"));
    }

    #[test]
    fn what_is_too_many_too_large_or_no_expression_is_refused() {
        let names: Map<_, _> = (0..=MOST).map(|number| (format!("^a{number}$"), json!({}))).collect();
        assert!(problem(&json!({ "patternProperties": names })).contains("more than 64 patterns"));
        let texts_of = |pattern| problem(&texts([pattern]));
        assert!(texts_of("^a{150000}$").contains("too large"), "{}", texts_of("^a{150000}$"));
        assert!(texts_of("^(?=a)").contains("look around"), "{}", texts_of("^(?=a)"));
        assert!(texts_of("[a").contains("it is not a schema"), "{}", texts_of("[a"));
    }

    #[test]
    fn what_only_looks_like_one_is_borne() {
        let examples = ["**/*.ts", "*.rs", "+", "C:\\app", "(?=a)"].map(|text| json!({ "pattern": text }));
        let schema = json!({
            "type": "object", "properties": { "pattern": { "type": "string" } }, "examples": examples,
        });
        assert_eq!(value(&schema, ""), json!({ "pattern": "pattern" }));
    }

    #[test]
    fn they_mean_what_they_mean_to_a_validator() {
        let schema = json!({ "properties": { "it": { "pattern": "^\\w+$" } }, "required": ["it"] });
        assert_eq!(value(&schema, "in Zürich"), json!({ "it": "it" }));
        assert_eq!(value(&schema, "in Rome"), json!({ "it": "Rome" }));
        let nested = json!({ "properties": { "it": { "pattern": "^[^[\\]]+$" } }, "required": ["it"] });
        assert_eq!(value(&nested, "in Rome"), json!({ "it": "Rome" }));
    }
}
