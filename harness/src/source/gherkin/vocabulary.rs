//! The sentences that a feature may hold, as cucumber expressions, and which of them a step says.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use cucumber_expressions::Expression;
use cucumber_expressions::expand::IntoRegexCharIter as _;
use regex::{Regex, RegexSet};

use super::sentences::CHAPTERS;

/// What stands in braces in a sentence.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// How it is written, as a regular expression without groups of its own.
    pattern: &'static str,
    pub(super) example: &'static str,
    pub(super) means: &'static str,
}

const WORD: &str = r"[^ \t]+";
const REST: &str = r"[^ \t].*";

/// Parameters take more than is right, so that what is wrong is told of the value and not of the sentence.
pub(super) const PARAMETERS: [Parameter; 19] = [
    Parameter { name: "name", pattern: WORD, example: "chat", means: "the name of a step or of an answer" },
    Parameter {
        name: "word",
        pattern: WORD,
        example: "question",
        means: "the contract's word for a request or a situation",
    },
    Parameter { name: "method", pattern: WORD, example: "POST", means: "a method of HTTP" },
    Parameter {
        name: "path",
        pattern: r"(?:\{\{[^{}]*\}\}|[^ \t])+",
        example: "/api/v1/chat/completions",
        means: "a path with its query; a template",
    },
    Parameter { name: "role", pattern: WORD, example: "chat_only", means: "a role of the contract" },
    Parameter { name: "count", pattern: WORD, example: "10", means: "a whole number" },
    Parameter {
        name: "line",
        pattern: r#""(?:[^"\\]|\\.)*"|'[^']*'"#,
        example: r#""POST /api/v1/embeddings HTTP/1.1""#,
        means: "a request line in quotation marks",
    },
    Parameter {
        name: "text",
        pattern: r#""(?:[^"\\]|\\.)*"|'[^']*'"#,
        example: r#""{{ chat.json.request_id }}""#,
        means: "a text in quotation marks; a template",
    },
    Parameter { name: "header", pattern: r"[^ \t:]+", example: "x-api-key", means: "the name of a header" },
    Parameter {
        name: "rest",
        pattern: REST,
        example: "no-such-key",
        means: "a text up to the end of the line; a template",
    },
    Parameter {
        name: "value",
        pattern: REST,
        example: r#"{ input: Hello, model: "{{ models.embedding }}" }"#,
        means: "any value up to the end of the line, in JSON or YAML; its texts are templates",
    },
    Parameter {
        name: "encoding",
        pattern: WORD,
        example: "latin-1",
        means: "`utf-8`, `latin-1` or `utf-16`",
    },
    Parameter { name: "duration", pattern: REST, example: "5s", means: "a duration, such as `1m 30s`" },
    Parameter { name: "status", pattern: WORD, example: "200", means: "a status code" },
    Parameter {
        name: "statuses",
        pattern: REST,
        example: "400, 413 or 422",
        means: "status codes, with commas or `or` between them",
    },
    Parameter {
        name: "schema",
        pattern: WORD,
        example: "gsai/chat-completion",
        means: "the name of a JSON Schema",
    },
    Parameter {
        name: "outcome",
        pattern: WORD,
        example: "left",
        means: "`whole`, `cut` (the provider broke its answer off) or `left` (the gateway went before it was whole)",
    },
    Parameter {
        name: "requirement",
        pattern: WORD,
        example: "chat.shape",
        means: "the id of a requirement of the contract",
    },
    Parameter {
        name: "ids",
        pattern: REST,
        example: "BF-01, BF-02",
        means: "ids of the contract's catalogue, with commas between them",
    },
];

/// One sentence, and what it says.
#[derive(Debug)]
pub(super) struct Sentence {
    pub(super) expression: &'static str,
    pub(super) does: Does,
    pub(super) means: &'static str,
}

/// What a sentence does to the scenario that it stands in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    /// Begins a step and fills these of its fields.
    Begin(&'static [Fill]),
    /// Fills these fields of the step that was begun last.
    Fill(&'static [Fill]),
    /// Begins one of the answers that are allowed; what follows is said of it.
    Alternative,
    /// Takes these fields from an earlier step.
    Repeat(&'static [&'static str]),
    /// Makes the steps that follow those that always run.
    Always,
}

/// A field of a step, as YAML names it, and where its value comes from.
pub(super) type Fill = (&'static str, With);

/// Where a value comes from. Numbers are those of a sentence's parameters.
#[derive(Clone, Copy, Debug)]
pub(super) enum With {
    /// A parameter, as a text.
    Word(usize),
    /// Two parameters, as a text with a space between them.
    Words(usize, usize),
    /// A parameter, as a YAML value.
    Value(usize),
    /// A parameter, as a list of YAML values.
    List(usize),
    /// Two parameters, as a list of YAML values.
    Both(usize, usize),
    /// Two parameters, as a name and the text that belongs to it.
    Member(usize, usize),
    /// This word.
    Fixed(&'static str),
    /// `true`.
    True,
    /// `false`.
    False,
    /// The doc string, as a text.
    Document,
    /// The doc string, as a YAML value.
    Data,
    /// The one row of the table; without columns here, it may have any.
    Row(&'static [Column]),
    /// The rows of the table, as a list.
    Rows(&'static [Column]),
    /// The rows of the table, by what is in the column `name`.
    Named(&'static [Column]),
    /// The texts in the column `value`, by what is in the column `name`.
    Pairs,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Whether its cells are texts as they stand there, and not YAML values.
    pub(super) verbatim: bool,
}

/// What belongs under a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Document,
    Table,
}

impl Sentence {
    pub(super) fn fills(&self) -> &'static [Fill] {
        match self.does {
            Does::Begin(fills) | Does::Fill(fills) => fills,
            Does::Alternative | Does::Repeat(_) | Does::Always => &[],
        }
    }

    pub(super) fn takes(&self) -> Takes {
        let of = |with: &With| match with {
            With::Document | With::Data => Takes::Document,
            With::Row(_) | With::Rows(_) | With::Named(_) | With::Pairs => Takes::Table,
            _ => Takes::Nothing,
        };
        let mut takes = self.fills().iter().map(|(_, with)| of(with));
        takes.find(|takes| *takes != Takes::Nothing).unwrap_or(Takes::Nothing)
    }

    pub(super) fn begins(&self) -> bool {
        matches!(self.does, Does::Begin(_))
    }

    /// How much of what this sentence says is in a text, from 0 to 1, spelling mistakes forgiven.
    fn likeness(&self, words: &[&str]) -> f64 {
        let own = self
            .expression
            .split([' ', ',', ':', '/'])
            .filter(|word| !word.is_empty() && !word.contains('{'));
        let (mut found, mut all) = (0.0, 0.0);
        for word in own {
            let likeness = words.iter().map(|other| strsim::jaro_winkler(word, other)).fold(0.0, f64::max);
            let weight = f64::from(u32::try_from(word.len()).unwrap_or_default());
            found += weight * likeness;
            all += weight;
        }
        if all > 0.0 { found / all } else { 0.0 }
    }
}

/// What a text says.
pub(super) enum Reading<'v> {
    /// This sentence, with the stretches of the text that its parameters have taken.
    One(&'v Sentence, Vec<Range<usize>>),
    /// Several at once, so that nobody knows which.
    Several(Vec<&'v Sentence>),
    /// Nothing that is known.
    Nothing,
}

/// Sentences, ready to be told apart.
#[derive(Debug)]
pub(super) struct Vocabulary {
    sentences: Vec<&'static Sentence>,
    patterns: Vec<String>,
    set: RegexSet,
    /// Compiled when a sentence is said for the first time.
    expressions: Vec<OnceLock<Option<Regex>>>,
}

/// Everything that can be said in a feature.
pub(super) static VOCABULARY: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::new(CHAPTERS.iter().flat_map(|(_, sentences)| *sentences)));

impl Vocabulary {
    /// A vocabulary; a sentence that is no cucumber expression is never said.
    pub(super) fn new(sentences: impl IntoIterator<Item = &'static Sentence>) -> Self {
        let parameters: HashMap<_, _> =
            PARAMETERS.iter().map(|parameter| (parameter.name, parameter.pattern)).collect();
        let pattern = |sentence: &Sentence| -> Option<String> {
            let expression = Expression::parse(sentence.expression).ok()?;
            expression.with_parameters(&parameters).into_regex_char_iter().collect::<Result<_, _>>().ok()
        };
        let sentences: Vec<_> = sentences.into_iter().collect();
        let patterns: Vec<_> = sentences
            .iter()
            .map(|sentence| pattern(sentence).unwrap_or_else(|| r"[^\s\S]".to_owned()))
            .collect();
        let set = RegexSet::new(&patterns).unwrap_or_else(|_| RegexSet::empty());
        let expressions = patterns.iter().map(|_| OnceLock::new()).collect();
        Self { sentences, patterns, set, expressions }
    }

    /// What a text says.
    pub(super) fn read(&self, text: &str) -> Reading<'_> {
        let matches = self.set.matches(text);
        let mut found = matches.iter();
        match (found.next(), found.next()) {
            (None, _) => Reading::Nothing,
            (Some(index), None) => self.said(index, text).unwrap_or(Reading::Nothing),
            (Some(_), Some(_)) => Reading::Several(
                matches.iter().filter_map(|index| self.sentences.get(index).copied()).collect(),
            ),
        }
    }

    /// Whether a text says something.
    pub(super) fn knows(&self, text: &str) -> bool {
        self.set.is_match(text)
    }

    /// The three sentences that are most like a text, the likeliest first.
    pub(super) fn like(&self, text: &str) -> Vec<&'static Sentence> {
        // Words longer than any in a sentence, and those far behind, tell nothing.
        let words: Vec<_> =
            text.split([' ', '\t', ',', ':']).filter(|word| word.len() < 32).take(64).collect();
        let mut like: Vec<_> =
            self.sentences.iter().map(|sentence| (sentence.likeness(&words), *sentence)).collect();
        like.sort_by(|a, b| b.0.total_cmp(&a.0));
        like.into_iter()
            .take(3)
            .filter(|(likeness, _)| *likeness > 0.6)
            .map(|(_, sentence)| sentence)
            .collect()
    }

    fn said(&self, index: usize, text: &str) -> Option<Reading<'_>> {
        let compile = || Regex::new(self.patterns.get(index)?).ok();
        let expression = self.expressions.get(index)?.get_or_init(compile).as_ref()?;
        let captures = expression.captures(text)?;
        let stretches = captures.iter().skip(1).flatten().map(|found| found.range()).collect();
        Some(Reading::One(self.sentences.get(index)?, stretches))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sentence with its parameters' examples in their places.
    fn example(sentence: &Sentence) -> String {
        let filled = PARAMETERS.iter().fold(sentence.expression.to_owned(), |text, parameter| {
            text.replace(&format!("{{{}}}", parameter.name), parameter.example)
        });
        filled.replace("one/another", "another")
    }

    #[test]
    fn every_sentence_says_itself_and_nothing_else() {
        for sentence in &VOCABULARY.sentences {
            let text = example(sentence);
            let Reading::One(said, stretches) = VOCABULARY.read(&text) else {
                panic!("`{text}` does not say `{}` alone", sentence.expression);
            };
            assert_eq!(said.expression, sentence.expression);
            assert_eq!(stretches.len(), sentence.expression.matches('{').count(), "{text}");
            // A parameter takes its example and no more.
            for stretch in stretches {
                let taken = &text[stretch];
                assert!(
                    PARAMETERS.iter().any(|parameter| parameter.example == taken),
                    "`{taken}` of `{text}`"
                );
            }
        }
    }

    #[test]
    fn what_is_filled_is_there() {
        for sentence in &VOCABULARY.sentences {
            let parameters = sentence.expression.matches('{').count();
            for (field, with) in sentence.fills() {
                let numbers = match with {
                    With::Word(n) | With::Value(n) | With::List(n) => vec![*n],
                    With::Words(a, b) | With::Both(a, b) | With::Member(a, b) => vec![*a, *b],
                    _ => Vec::new(),
                };
                assert!(numbers.iter().all(|n| *n < parameters), "`{}`, {field}", sentence.expression);
            }
            let named = sentence.fills().iter().any(|(field, _)| *field == "name");
            assert_eq!(named, sentence.begins(), "`{}`", sentence.expression);
        }
    }

    #[test]
    fn templates_and_quotation_marks_stay_within_their_parameters() {
        let read = |text: &str| match VOCABULARY.read(text) {
            Reading::One(sentence, stretches) => {
                let taken = stretches.into_iter().map(|stretch| text[stretch].to_owned());
                (sentence.expression, taken.collect::<Vec<_>>())
            }
            _ => panic!("`{text}`"),
        };
        let (expression, taken) = read("one calls GET /a/{{ x.y }}?b={{ z }} as user 3 times at once");
        assert_eq!(expression, "{name} calls {method} {path} as {role} {count} times at once");
        assert_eq!(taken, ["one", "GET", "/a/{{ x.y }}?b={{ z }}", "user", "3"]);
        let (expression, taken) =
            read(r#"the log tells of the request "a\", which verifies b", which verifies c"#);
        assert_eq!(expression, "the log tells of the request {text}, which verifies {requirement}");
        assert_eq!(taken, [r#""a\", which verifies b""#, "c"]);
    }

    #[test]
    fn a_text_that_is_no_sentence_is_like_some() {
        for (text, likeliest) in [
            ("the statuss is 200", "the status is {status}"),
            ("the status must be one of 400, 413", "the status is one of {statuses}"),
            ("chat cals POST /api/v1/chat as chat_only", "{name} calls {method} {path} as {role}"),
            ("the body satisfys this checks", "the body satisfies these checks"),
            ("exactly one event is billed", "one event is billed"),
        ] {
            assert!(matches!(VOCABULARY.read(text), Reading::Nothing), "{text}");
            let like: Vec<_> = VOCABULARY.like(text).iter().map(|sentence| sentence.expression).collect();
            assert_eq!(like.first(), Some(&likeliest), "{text}: {like:?}");
        }
        assert!(VOCABULARY.like("zzz").is_empty());
        assert!(VOCABULARY.like("").is_empty());
    }
}
