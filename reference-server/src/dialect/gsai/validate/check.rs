//! Reads a value against a shape.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::super::excerpt;
use super::coerce::{self, Mismatch};
use super::mistake::{Mistakes, NAME, Place, Saying, Step};
use super::shape::{Field, Least, Shape};

const NOT_AN_OBJECT: Saying = Saying::plain(
    "model_attributes_type",
    "Input should be a valid dictionary or object to extract fields from",
);

/// Adds to the mistakes what is wrong with the value.
pub(super) fn check<'v>(shape: &Shape, value: &'v Value, place: &Place<'_>, mistakes: &mut Mistakes<'v>) {
    match shape {
        Shape::Text => {
            if !value.is_string() {
                mistakes.add(place, value, || mismatch(coerce::TEXT));
            }
        }
        Shape::UserText => match value {
            Value::String(text) if mistakes.deviations.blank_refused && text.trim().is_empty() => {
                mistakes.add(place, value, blank);
            }
            Value::String(_) => {}
            _ => mistakes.add(place, value, || mismatch(coerce::TEXT)),
        },
        Shape::Flag => {
            if let Err(problem) = coerce::flag(value) {
                mistakes.add(place, value, || mismatch(problem));
            }
        }
        Shape::Number { at_least, at_most } => number(*at_least, *at_most, value, place, mistakes),
        Shape::Whole { least, at_most } => whole(*least, *at_most, value, place, mistakes),
        Shape::Word(words) => {
            if !value.as_str().is_some_and(|text| words.contains(&text)) {
                mistakes.add(place, value, || not_one_of(words));
            }
        }
        Shape::Numbers => numbers(value, place, mistakes),
        Shape::List { of, least, most } => list(of, *least..=*most, value, place, mistakes),
        Shape::Sequence { of, least } => sequence(of, *least, value, place, mistakes),
        Shape::Record(fields) => match value {
            Value::Object(members) => record(fields, members, value, place, mistakes),
            _ => mistakes.add(place, value, || NOT_AN_OBJECT),
        },
        Shape::Tagged { by, tags } => tagged(by, tags, value, place, mistakes),
        Shape::Either(options) => either(options, value, place, mistakes),
    }
}

fn mismatch(problem: Mismatch) -> Saying {
    Saying::plain(problem.kind, problem.message)
}

fn blank() -> Saying {
    Saying {
        kind: "string_too_short",
        msg: "String should have at least 1 character".into(),
        ctx: Some(json!({ "min_length": 1 })),
    }
}

fn number<'v>(at_least: f64, at_most: f64, value: &'v Value, place: &Place<'_>, mistakes: &mut Mistakes<'v>) {
    match coerce::number(value) {
        Err(problem) => mistakes.add(place, value, || mismatch(problem)),
        Ok(number) if mistakes.deviations.bounds_ignored && number.is_finite() => {}
        // What is no number at all is not below the bound either.
        Ok(number) if number > at_most || number.is_nan() => mistakes.add(place, value, || Saying {
            kind: "less_than_equal",
            msg: format!("Input should be less than or equal to {at_most}").into(),
            ctx: Some(json!({ "le": at_most })),
        }),
        Ok(number) if number < at_least => mistakes.add(place, value, || Saying {
            kind: "greater_than_equal",
            msg: format!("Input should be greater than or equal to {at_least}").into(),
            ctx: Some(json!({ "ge": at_least })),
        }),
        Ok(_) => {}
    }
}

fn whole<'v>(least: Least, at_most: i64, value: &'v Value, place: &Place<'_>, mistakes: &mut Mistakes<'v>) {
    let number = match coerce::whole(value) {
        Ok(number) => number,
        Err(problem) => return mistakes.add(place, value, || mismatch(problem)),
    };
    if mistakes.deviations.bounds_ignored && i32::try_from(number).is_ok() {
        return;
    }
    if number > i128::from(at_most) {
        return mistakes.add(place, value, || Saying {
            kind: "less_than_equal",
            msg: format!("Input should be less than or equal to {at_most}").into(),
            ctx: Some(json!({ "le": at_most })),
        });
    }
    match least {
        Least::AtLeast(bound) if number < i128::from(bound) => mistakes.add(place, value, || Saying {
            kind: "greater_than_equal",
            msg: format!("Input should be greater than or equal to {bound}").into(),
            ctx: Some(json!({ "ge": bound })),
        }),
        Least::Above(bound) if number <= i128::from(bound) => mistakes.add(place, value, || Saying {
            kind: "greater_than",
            msg: format!("Input should be greater than {bound}").into(),
            ctx: Some(json!({ "gt": bound })),
        }),
        Least::AtLeast(_) | Least::Above(_) => {}
    }
}

fn not_one_of(words: &[&str]) -> Saying {
    let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let expected = match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => quoted.concat(),
    };
    Saying {
        kind: "literal_error",
        msg: format!("Input should be {expected}").into(),
        ctx: Some(json!({ "expected": expected })),
    }
}

fn numbers<'v>(value: &'v Value, place: &Place<'_>, mistakes: &mut Mistakes<'v>) {
    let Value::Object(members) = value else {
        return mistakes
            .add(place, value, || Saying::plain("dict_type", "Input should be a valid dictionary"));
    };
    for (name, member) in members {
        if mistakes.enough() {
            return;
        }
        if let Err(problem) = coerce::number(member) {
            mistakes.add(&place.then(Step::Name(name)), member, || mismatch(problem));
        }
    }
}

fn list<'v>(
    of: &Shape,
    count: RangeInclusive<usize>,
    value: &'v Value,
    place: &Place<'_>,
    mistakes: &mut Mistakes<'v>,
) {
    let Value::Array(items) = value else {
        return mistakes.add(place, value, || Saying::plain("list_type", "Input should be a valid list"));
    };
    let (least, most) = count.into_inner();
    if items.len() < least && !mistakes.deviations.no_input_accepted {
        return mistakes.add(place, value, || Saying {
            kind: "too_short",
            msg: format!("List should have at least {least} item after validation, not {}", items.len())
                .into(),
            ctx: Some(json!({ "field_type": "List", "min_length": least, "actual_length": items.len() })),
        });
    }
    if items.len() > most {
        return mistakes.add(place, value, || Saying {
            kind: "too_long",
            msg: format!("List should have at most {most} items after validation, not {}", items.len())
                .into(),
            ctx: Some(json!({ "field_type": "List", "max_length": most, "actual_length": items.len() })),
        });
    }
    each(of, items, place, mistakes);
}

fn sequence<'v>(of: &Shape, least: usize, value: &'v Value, place: &Place<'_>, mistakes: &mut Mistakes<'v>) {
    match value {
        Value::Array(items) if items.len() < least && !mistakes.deviations.no_message_accepted => {
            mistakes.add(place, value, || Saying {
                kind: "too_short",
                msg: format!("Value should have at least {least} item after validation, not {}", items.len())
                    .into(),
                ctx: Some(
                    json!({ "field_type": "Value", "min_length": least, "actual_length": items.len() }),
                ),
            });
        }
        Value::Array(items) => each(of, items, place, mistakes),
        Value::String(_) => mistakes.add(place, value, || Saying {
            kind: "sequence_str",
            msg: "'str' instances are not allowed as a Sequence value".into(),
            ctx: Some(json!({ "type_name": "str" })),
        }),
        _ => mistakes.add(place, value, || Saying {
            kind: "is_instance_of",
            msg: "Input should be an instance of Sequence".into(),
            ctx: Some(json!({ "class": "Sequence" })),
        }),
    }
}

fn each<'v>(of: &Shape, items: &'v [Value], place: &Place<'_>, mistakes: &mut Mistakes<'v>) {
    for (index, item) in items.iter().enumerate() {
        if mistakes.enough() {
            return;
        }
        check(of, item, &place.then(Step::Index(index)), mistakes);
    }
}

fn record<'v>(
    fields: &[Field],
    members: &'v Map<String, Value>,
    whole: &'v Value,
    place: &Place<'_>,
    mistakes: &mut Mistakes<'v>,
) {
    for field in fields {
        let place = place.then(Step::Name(field.name));
        match members.get(field.name) {
            None if field.required => {
                mistakes.add(&place, whole, || Saying::plain("missing", "Field required"));
            }
            None => {}
            Some(Value::Null) if !field.required && !mistakes.deviations.null_refused => {}
            Some(member) => check(&field.shape, member, &place, mistakes),
        }
    }
}

fn tagged<'v>(
    by: &str,
    tags: &[(&'static str, &'static [Field])],
    value: &'v Value,
    place: &Place<'_>,
    mistakes: &mut Mistakes<'v>,
) {
    let Value::Object(members) = value else {
        return mistakes.add(place, value, || NOT_AN_OBJECT);
    };
    let Some(tag) = members.get(by) else {
        return mistakes.add(place, value, || Saying {
            kind: "union_tag_not_found",
            msg: format!("Unable to extract tag using discriminator '{by}'").into(),
            ctx: Some(json!({ "discriminator": format!("'{by}'") })),
        });
    };
    match tags.iter().find(|(name, _)| tag.as_str() == Some(*name)) {
        Some((name, fields)) => record(fields, members, value, &place.then(Step::Name(name)), mistakes),
        None => mistakes.add(place, value, || unknown_tag(by, tags, tag)),
    }
}

fn unknown_tag(by: &str, tags: &[(&'static str, &'static [Field])], tag: &Value) -> Saying {
    let tag = match tag {
        Value::String(text) => excerpt::cut(text, NAME).into_owned(),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => match &*excerpt::shown(other) {
            Value::String(beginning) => excerpt::cut(beginning, NAME).into_owned(),
            whole => excerpt::cut(&whole.to_string(), NAME).into_owned(),
        },
    };
    let expected = tags.iter().map(|(name, _)| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    Saying {
        kind: "union_tag_invalid",
        msg: format!(
            "Input tag '{tag}' found using '{by}' does not match any of the expected tags: {expected}"
        )
        .into(),
        ctx: Some(json!({ "discriminator": format!("'{by}'"), "tag": tag, "expected_tags": expected })),
    }
}

fn either<'v>(
    options: &[(&'static str, Shape)],
    value: &'v Value,
    place: &Place<'_>,
    mistakes: &mut Mistakes<'v>,
) {
    let fits = options.iter().any(|(_, shape)| {
        let mut counted = Mistakes::counted(mistakes.deviations);
        check(shape, value, place, &mut counted);
        counted.none()
    });
    if fits {
        return;
    }
    for (name, shape) in options {
        check(shape, value, &place.then(Step::Name(name)), mistakes);
    }
}
