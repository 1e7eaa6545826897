//! Reads what is sent to the control API, and says what is wrong with it.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::error::ControlError;
use crate::defect::Defect;
use crate::domain::clock::Moment;
use crate::domain::ledger::Operation;
use crate::meant::meant;
use crate::provider::FaultKind;

/// Reads a JSON body.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body)
        .map_err(|error| ControlError::bad_request(format!("the body cannot be used: {error}")))
}

/// Reads a JSON body that may be left out.
pub(crate) fn optional_json<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, ControlError> {
    if body.is_empty() { Ok(T::default()) } else { json(body) }
}

/// Reads an id.
pub(super) fn id(text: &str) -> Result<Uuid, ControlError> {
    text.parse().map_err(|_| ControlError::bad_request(format!("{text:?} is no id; ids are UUIDs")))
}

/// Reads a time.
pub(super) fn moment(text: &str) -> Result<Moment, ControlError> {
    Moment::parse(text).ok_or_else(|| {
        ControlError::bad_request(format!("{text:?} is no time; write one like \"2030-01-01T00:00:00Z\""))
    })
}

/// Reads ids of defects.
pub(super) fn defects(ids: &[String]) -> Result<Vec<Defect>, ControlError> {
    let read = |id: &String| {
        Defect::from_str(id)
            .map_err(|error| ControlError::bad_request(format!("{error}; GET /~control/defects lists them")))
    };
    ids.iter().map(read).collect()
}

/// Reads a kind of fault.
pub(super) fn fault_kind(name: &str) -> Result<FaultKind, ControlError> {
    name.parse().map_err(|_| no_such("kind of fault", name, &FaultKind::ALL.map(FaultKind::name)))
}

/// Reads the name of an operation.
pub(super) fn operation(name: &str) -> Result<Operation, ControlError> {
    let known = [Operation::Chat, Operation::Embedding].map(Operation::name);
    Operation::from_name(name).ok_or_else(|| no_such("operation", name, &known))
}

/// Sees that a number, where there is one, lies within its bounds.
pub(crate) fn within(name: &str, number: Option<u32>, least: u32, most: u32) -> Result<(), ControlError> {
    match number {
        Some(number) if !(least..=most).contains(&number) => Err(ControlError::bad_request(format!(
            "{name:?} must be a whole number from {least} to {most}, not {number}"
        ))),
        _ => Ok(()),
    }
}

/// Says what there is, and which of it was perhaps meant.
pub(crate) fn no_such(thing: &str, name: &str, known: &[&str]) -> ControlError {
    let nearest = meant(name, known.iter().copied());
    let meant = nearest.map(|nearest| format!(" (did you mean {nearest:?}?)")).unwrap_or_default();
    let known = known.join(", ");
    ControlError::bad_request(format!("there is no {thing} {name:?}{meant}; there are {known}"))
}

/// The parameters of a query, all of them known ones.
pub(crate) struct Query<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Query<'a> {
    /// Reads a query that may have these parameters and no others.
    pub(crate) fn read(query: Option<&'a str>, known: &[&str]) -> Result<Self, ControlError> {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let pairs: Vec<_> = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
        match pairs.iter().find(|(name, _)| !known.contains(name)) {
            None => Ok(Self(pairs)),
            Some((name, _)) => Err(ControlError::bad_request(format!(
                "there is no parameter {name:?}; the parameters here are {}",
                known.join(", ")
            ))),
        }
    }

    /// A parameter's value, where it is given.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// A parameter that is an id.
    pub(super) fn id(&self, name: &str) -> Result<Option<Uuid>, ControlError> {
        self.get(name).map(id).transpose()
    }

    /// A parameter that counts something.
    pub(crate) fn count(&self, name: &str) -> Result<Option<u64>, ControlError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.parse() {
            Ok(count) => Ok(Some(count)),
            Err(_) => Err(ControlError::bad_request(format!("{name} must be a whole number, not {value:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_and_strangers_are_named() {
        let query =
            Query::read(Some("after=3&key_id=00000000-0000-0000-0000-000000000001"), &["after", "key_id"]);
        let query = query.unwrap();
        assert_eq!(query.count("after"), Ok(Some(3)));
        assert_eq!(query.id("key_id"), Ok(Some(Uuid::from_u128(1))));
        assert_eq!(query.get("limit"), None);
        let error = Query::read(Some("befor=3"), &["after", "limit"]).err().unwrap();
        assert_eq!(error.message, "there is no parameter \"befor\"; the parameters here are after, limit");
        assert!(Query::read(Some("after=x"), &["after"]).unwrap().count("after").is_err());
    }

    #[test]
    fn an_unknown_defect_is_answered_with_the_nearest() {
        let error = defects(&["history-droped".to_owned()]).unwrap_err();
        assert!(error.message.contains("did you mean \"history-dropped\""), "{}", error.message);
    }
}
