use std::collections::BTreeMap;
use std::sync::Arc;

use super::convert::{Notes, Reading, flatten};
use super::streams::streams;
use crate::scenario::{BillingRequirements, Contract, Credential, Requirement, Templates};
use crate::source::mistake::{hint_among, location};
use crate::source::written::contract_file::{
    BillingRequirements as BillingEntry, ContractFile, CredentialEntry, Word,
};
use crate::source::written::wrappers::{Located, Recovered};
use crate::source::yaml::decode;
use crate::source::{Mistake, SourceFile};

/// Reads a `contract.yaml`.
pub(in crate::source) fn contract(
    file: &Arc<SourceFile>,
    schemas: &[&str],
    templates: &mut Templates,
    mistakes: &mut Vec<Mistake>,
) -> Option<Contract> {
    let (decoded, errors) = decode::<ContractFile>(&file.text);
    let mut notes = Notes::new(file, mistakes);
    notes.decode_errors(errors);
    let decoded = decoded?;
    let mut requirements = BTreeMap::new();
    for entry in flatten(decoded.requirements) {
        let requirement = Requirement {
            level: entry.level.into(),
            text: entry.text.clone(),
            source: entry.source.clone(),
            location: location(file, entry.span),
        };
        if requirements.insert(Arc::from(entry.id.as_str()), requirement).is_some() {
            notes.add(entry.id.span, format!("the requirement `{}` is given twice", *entry.id), None);
        }
    }
    let mut reading =
        Reading { notes: &mut notes, contract: None, dialect: None, streams: None, schemas, templates };
    let streams = streams(decoded.streams, &mut reading);
    let billing = decoded.billing.map(|entry| billing(entry, &requirements, &mut notes));
    let capabilities = words(decoded.capabilities);
    let requires = required(decoded.requires, &capabilities, &mut notes);
    Some(Contract {
        name: decoded.contract.as_str().into(),
        version: decoded.version.into(),
        title: decoded.title.into(),
        roles: words(decoded.roles),
        models: words(decoded.models),
        capabilities,
        requires,
        requests: words(decoded.requests),
        situations: words(decoded.situations),
        answers: words(decoded.answers),
        dialects: BTreeMap::new(),
        credential: decoded.credential.map_or_else(Credential::default, credential),
        streams,
        billing,
        requirements,
    })
}

pub(super) fn credential(entry: CredentialEntry) -> Credential {
    Credential { header: entry.header.to_ascii_lowercase(), prefix: entry.prefix }
}

fn billing(
    entry: BillingEntry,
    requirements: &BTreeMap<Arc<str>, Requirement>,
    notes: &mut Notes<'_>,
) -> BillingRequirements {
    let mut known = |id: Located<String>| {
        if !requirements.contains_key(id.as_str()) {
            let hint = hint_among(&id, requirements.keys().map(|id| &**id));
            notes.add(id.span, format!("there is no requirement `{}`", *id), hint);
        }
        Arc::from(id.value)
    };
    BillingRequirements {
        one: known(entry.one),
        none: known(entry.none),
        model: known(entry.model),
        usage: known(entry.usage),
        key: known(entry.key),
        cost: known(entry.cost),
    }
}

/// The capabilities that all scenarios require, of those that there are.
fn required(
    entries: Vec<Located<String>>,
    capabilities: &BTreeMap<Arc<str>, String>,
    notes: &mut Notes<'_>,
) -> Vec<Arc<str>> {
    let known = |word: Located<String>| {
        if !capabilities.contains_key(word.as_str()) {
            let hint = hint_among(&word, capabilities.keys().map(|name| &**name));
            notes.add(word.span, format!("the contract has no capability `{}`", *word), hint);
        }
        Arc::from(word.value)
    };
    entries.into_iter().map(known).collect()
}

fn words(entries: Vec<Recovered<Located<Word>>>) -> BTreeMap<Arc<str>, String> {
    flatten(entries).map(|word| (Arc::from(word.value.name.value), word.value.text)).collect()
}
