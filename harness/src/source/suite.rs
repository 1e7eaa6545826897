use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::read::read_all;
use super::{Files, Mistake, SourceFile, resolve};
use crate::scenario::{Contract, Scenario, Templates};

/// Everything that was read: scenarios, their contracts and their templates.
#[derive(Debug)]
pub struct Suite {
    /// The contracts by name.
    pub contracts: BTreeMap<Arc<str>, Contract>,
    /// The scenarios in order of file and place.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The templates of all of them.
    pub templates: Templates,
    /// The files that they were read from.
    pub files: Files,
}

/// Reads a suite and says everything that is wrong with it.
///
/// `schemas` are the names of the JSON Schemas that scenarios may name.
pub fn load(files: Files, schemas: &[&str], mut templates: Templates) -> (Suite, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    let mut contracts = BTreeMap::new();
    let (contract_files, others): (Vec<_>, Vec<_>) = files.iter().partition(|file| is_contract(&file.name));
    let (dialect_files, scenario_files): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|file| is_dialect(&file.name));
    for file in contract_files {
        if let Some(contract) = resolve::contract(file, schemas, &mut templates, &mut mistakes) {
            contracts.insert(Arc::clone(&contract.name), contract);
        }
    }
    for file in dialect_files {
        resolve::dialect(file, &mut contracts, schemas, &mut templates, &mut mistakes);
    }
    let mut scenarios = Vec::new();
    for (file, decoded) in read_all(&scenario_files) {
        resolve::scenarios(file, decoded, &contracts, schemas, &mut templates, &mut scenarios, &mut mistakes);
    }
    find_twins(&files, &scenarios, &mut mistakes);
    // What is wrong with a scenario of several dialects is wrong in each.
    let mut told = HashSet::new();
    mistakes.retain(|mistake| {
        told.insert((Arc::clone(&mistake.file.name), mistake.span.start, mistake.message.clone()))
    });
    mistakes.sort_by(|a, b| {
        (&a.file.name, a.span.line, a.span.column).cmp(&(&b.file.name, b.span.line, b.span.column))
    });
    let scenarios = scenarios.into_iter().map(|(scenario, _)| Arc::new(scenario)).collect();
    (Suite { contracts, scenarios, templates, files }, mistakes)
}

fn is_contract(name: &str) -> bool {
    matches!(name.rsplit('/').next(), Some("contract.yaml" | "contract.yml"))
}

/// Whether it is the profile of a dialect: a file in a folder `dialects`.
fn is_dialect(name: &str) -> bool {
    name.rsplit('/').nth(1) == Some("dialects")
}

/// Notes ids that are written twice, in whatever dialects.
fn find_twins(files: &Files, scenarios: &[(Scenario, super::Span)], mistakes: &mut Vec<Mistake>) {
    let by_name: HashMap<&str, &Arc<SourceFile>> = files.iter().map(|file| (&*file.name, file)).collect();
    let mut first: HashMap<&str, &Scenario> = HashMap::new();
    for (scenario, span) in scenarios {
        let earlier = *first.entry(scenario.written_id()).or_insert(scenario);
        // It may be the same in another dialect, or itself.
        let is_other_dialect = earlier.id != scenario.id && earlier.location == scenario.location;
        if std::ptr::eq(earlier, scenario) || is_other_dialect {
            continue;
        }
        let Some(file) = by_name.get(scenario.location.file.as_str()) else { continue };
        mistakes.push(Mistake {
            file: Arc::clone(file),
            span: *span,
            message: format!("the id `{}` is taken", scenario.written_id()),
            hint: Some(format!("it is also in {}, line {}", earlier.location.file, earlier.location.line)),
        });
    }
}
