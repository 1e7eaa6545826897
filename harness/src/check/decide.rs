use plumbline_record::Miss;
use serde_json::Value;

use super::matching::{Mismatch, Ready, not_json, nothing_found};
use super::words::show_all;
use super::{Reply, Schemas};
use crate::scenario::{Check, PathError, Quantifier, Subject, TemplateError, Templates, Variables};
use crate::target::Secrets;

/// What checks are decided with.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    /// The suite's templates.
    pub templates: &'c Templates,
    /// What templates may name.
    pub variables: &'c Variables,
    /// The JSON Schemas.
    pub schemas: &'c Schemas,
    /// Whether the target's models are scripted.
    pub scripted: bool,
    /// The credentials that no verdict may show.
    pub secrets: &'c Secrets,
}

/// Decides one check; a miss is a value, not an error.
pub fn decide(check: &Check, reply: &Reply, context: &Context<'_>, step: &str) -> Option<Miss> {
    let (subject, mismatch) = match look(check, reply, context) {
        Ok(()) => return None,
        Err(missed) => missed,
    };
    Some(Miss {
        level: check.level.on(context.scripted),
        requirement: check.verifies.as_deref().map(str::to_owned),
        step: step.to_owned(),
        subject,
        expected: mismatch.expected,
        actual: mismatch.actual,
        difference: mismatch.difference.map(|difference| *difference),
        location: check.location.clone(),
    })
}

fn look(check: &Check, reply: &Reply, context: &Context<'_>) -> Result<(), (String, Mismatch)> {
    let subject = subject(check);
    let ready = Ready::new(&check.matcher, context).map_err(|error| (subject.clone(), unfilled(&error)))?;
    let met = match &check.subject {
        Subject::Status => ready.meet(&reply.status.into(), context),
        Subject::Header(name) => one(&ready, reply.header(name).map(Value::from).as_ref(), context),
        Subject::Text => one(&ready, Some(&Value::from(&*reply.text)), context),
        Subject::Json => match &reply.json {
            Some(json) => one(&ready, Some(json), context),
            None => Err(not_json(ready.expected(context.secrets), &reply.text, context.secrets)),
        },
        Subject::Body(path, quantifier) => {
            let path = match path.fill(context.templates, context.variables) {
                Ok(path) => path,
                Err(PathError::Template(error)) => return Err((subject, unfilled(&error))),
                Err(error) => return Err((subject, Mismatch::new("a path", error.to_string()))),
            };
            return match &reply.json {
                Some(json) => found(&ready, &path.find(json), *quantifier, context),
                // Nothing is in a body that cannot be read, and that is no proof of absence either.
                None => Err(not_json(ready.expected(context.secrets), &reply.text, context.secrets)),
            }
            .map_err(|mismatch| (path.text.to_string(), mismatch));
        }
    };
    met.map_err(|mismatch| (subject, mismatch))
}

fn subject(check: &Check) -> String {
    match &check.subject {
        Subject::Status => "status".to_owned(),
        Subject::Header(name) => format!("header {name}"),
        Subject::Text | Subject::Json => "body".to_owned(),
        Subject::Body(path, _) => path.source().to_string(),
    }
}

fn unfilled(error: &TemplateError) -> Mismatch {
    Mismatch::new("a value for the template", error.to_string())
}

fn one(ready: &Ready<'_>, value: Option<&Value>, context: &Context<'_>) -> Result<(), Mismatch> {
    match (ready, value) {
        (Ready::Absent, None) => Ok(()),
        (_, None) => Err(nothing_found(ready.expected(context.secrets))),
        (_, Some(value)) => ready.meet(value, context),
    }
}

fn found(
    ready: &Ready<'_>,
    values: &[&Value],
    quantifier: Quantifier,
    context: &Context<'_>,
) -> Result<(), Mismatch> {
    if matches!(ready, Ready::Absent) {
        return match values {
            [] => Ok(()),
            values => Err(Mismatch::new("nothing", show_all(values, context.secrets))),
        };
    }
    match (values, quantifier) {
        ([], _) => Err(nothing_found(ready.expected(context.secrets))),
        ([value], Quantifier::One) => ready.meet(value, context),
        (values, Quantifier::One) => {
            let expected = format!("exactly one value: {}", ready.expected(context.secrets));
            Err(Mismatch::new(
                expected,
                format!("{} values: {}", values.len(), show_all(values, context.secrets)),
            ))
        }
        (values, Quantifier::Each) => values.iter().try_for_each(|value| ready.meet(value, context)),
        (values, Quantifier::Any) => {
            if values.iter().any(|value| ready.meet(value, context).is_ok()) {
                Ok(())
            } else {
                let expected = format!("among the values: {}", ready.expected(context.secrets));
                Err(Mismatch::new(expected, show_all(values, context.secrets)))
            }
        }
    }
}
