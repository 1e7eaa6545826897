//! The expressions of routing rules, in the Common Expression Language.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::{Context, Env, Program, Value};

/// What every expression can use.
static LANGUAGE: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// The longest expression, in bytes.
const LONGEST: usize = 2 * 1024;
/// How many brackets it may open, which bounds how deep they nest.
const MOST_OPEN: usize = 24;
/// How many signs of operators, selections and lists it may have.
const MOST_SIGNS: usize = 192;
/// The words that go through a list. One of them is as long as the list, two in each other as long as its square.
const LOOPS: [&str; 5] = ["all", "exists", "exists_one", "map", "filter"];
/// The longest text of a mistake, in characters.
const LONGEST_MISTAKE: usize = 200;

/// An expression that can be asked whether it holds.
pub(super) struct Predicate(Option<Program>);

/// What an expression can look at.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// `model`, `provider`, `request_type`, and ids and names of the virtual key, the team and the customer.
    pub(super) texts: Vec<(&'static str, String)>,
    /// `tokens_used`, `request` and `budget_used` of the virtual key, in percent.
    pub(super) shares: Vec<(&'static str, f64)>,
    /// The names in lower case.
    pub(super) headers: HashMap<String, String>,
    /// Of the query.
    pub(super) params: HashMap<String, String>,
}

impl Predicate {
    /// Reads an expression; an empty one always holds. What the parser would be long about is refused before it sees it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in a line.
    pub(super) fn compile(expression: &str) -> Result<Self, String> {
        if expression.trim().is_empty() {
            return Ok(Self(None));
        }
        guard(expression)?;
        // Not ours, and fed with text from outside: what it cannot do must not end more than this write.
        match catch_unwind(|| LANGUAGE.compile(expression)) {
            Ok(Ok(program)) => Ok(Self(Some(program))),
            Ok(Err(errors)) => Err(first_line(&errors.to_string())),
            Err(_) => Err("the expression cannot be read".to_owned()),
        }
    }

    /// Whether it holds. One that fails or is no truth does not.
    pub(super) fn matches(&self, facts: &Facts) -> bool {
        let Some(program) = &self.0 else { return true };
        let mut context = Context::with_env(Arc::clone(&LANGUAGE));
        for (name, text) in &facts.texts {
            context.add_variable_from_value(*name, text.as_str());
        }
        for (name, share) in &facts.shares {
            context.add_variable_from_value(*name, *share);
        }
        context.add_variable_from_value("headers", facts.headers.clone());
        context.add_variable_from_value("params", facts.params.clone());
        let held = catch_unwind(AssertUnwindSafe(|| program.execute(&context)));
        matches!(held, Ok(Ok(Value::Bool(true))))
    }
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Predicate")
    }
}

fn guard(expression: &str) -> Result<(), String> {
    if expression.len() > LONGEST {
        return Err(format!("an expression has at most {LONGEST} bytes"));
    }
    if count(expression, |sign| matches!(sign, '(' | '[' | '{')) > MOST_OPEN {
        return Err(format!("an expression opens at most {MOST_OPEN} brackets"));
    }
    let is_sign = |sign: char| sign.is_ascii_punctuation() && !matches!(sign, '_' | '"' | '\'' | '/');
    if count(expression, is_sign) > MOST_SIGNS {
        return Err(format!("an expression has at most {MOST_SIGNS} operators"));
    }
    let words = expression.split(|sign: char| !sign.is_alphanumeric() && sign != '_');
    if words.filter(|word| LOOPS.contains(word)).count() > 1 {
        return Err("an expression goes through one list at most".to_owned());
    }
    Ok(())
}

fn count(expression: &str, is_counted: impl Fn(char) -> bool) -> usize {
    expression.chars().filter(|sign| is_counted(*sign)).count()
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(LONGEST_MISTAKE).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts() -> Facts {
        Facts {
            texts: vec![
                ("model", "gpt-4o".into()),
                ("provider", "openai".into()),
                ("team_name", "ml".into()),
            ],
            shares: vec![("budget_used", 85.5)],
            headers: HashMap::from([("x-tier".into(), "premium".into())]),
            params: HashMap::from([("region".into(), "us-east-1".into())]),
        }
    }

    fn holds(expression: &str) -> bool {
        Predicate::compile(expression).unwrap().matches(&facts())
    }

    #[test]
    fn an_expression_sees_the_call_and_who_makes_it() {
        for expression in [
            "",
            "  ",
            "true",
            "model == \"gpt-4o\"",
            "model.startsWith('gpt-') && provider in ['openai', 'azure']",
            "headers[\"x-tier\"] == 'premium'",
            "budget_used > 80",
            "budget_used > 80.0 || team_name == 'none'",
            "params['region'].matches('^us-.*')",
            "!(provider == 'anthropic')",
        ] {
            assert!(holds(expression), "{expression}");
        }
    }

    #[test]
    fn what_is_not_so_or_no_truth_does_not_hold() {
        for expression in
            ["model == 'gpt-4'", "headers['x-none'] == 'a'", "unknown == 1", "model", "1 + 1", "1 / 0 == 1"]
        {
            assert!(!holds(expression), "{expression}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_in_a_line() {
        for expression in ["model ==", "(", "model = 'x'"] {
            let mistake = Predicate::compile(expression).unwrap_err();
            assert!(!mistake.is_empty() && !mistake.contains('\n'), "{expression}: {mistake}");
        }
    }

    #[test]
    fn what_would_take_long_is_refused_before_it_is_read() {
        let nested = format!("{}1{}", "(".repeat(500), ")".repeat(500));
        let square = "[1, 2].exists(a, [1, 2].exists(b, a == b))";
        for expression in
            [nested.as_str(), square, &"!".repeat(300), &"a.".repeat(300), &"1".repeat(LONGEST + 1)]
        {
            assert!(Predicate::compile(expression).is_err());
        }
        assert!(holds("['a', 'gpt-4o'].exists(name, name == model)"));
    }

    #[test]
    fn it_is_shared_between_threads() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<Predicate>();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_text_brings_it_down(expression in "[a-z0-9 .()\\[\\]{}!=<>&|?:'\"+*/%,-]{0,60}") {
            if let Ok(predicate) = Predicate::compile(&expression) {
                let _ = predicate.matches(&facts());
            }
        }
    }
}
