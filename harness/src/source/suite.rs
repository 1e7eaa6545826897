use std::collections::{BTreeMap, HashMap};
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
    let (contract_files, scenario_files): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| is_contract(&file.name));
    for file in contract_files {
        if let Some(contract) = resolve::contract(file, schemas, &mut templates, &mut mistakes) {
            contracts.insert(Arc::clone(&contract.name), contract);
        }
    }
    let mut scenarios = Vec::new();
    for (file, decoded) in read_all(&scenario_files) {
        resolve::scenarios(file, decoded, &contracts, schemas, &mut templates, &mut scenarios, &mut mistakes);
    }
    find_twins(&files, &scenarios, &mut mistakes);
    mistakes.sort_by(|a, b| {
        (&a.file.name, a.span.line, a.span.column).cmp(&(&b.file.name, b.span.line, b.span.column))
    });
    let scenarios = scenarios.into_iter().map(|(scenario, _)| Arc::new(scenario)).collect();
    (Suite { contracts, scenarios, templates, files }, mistakes)
}

fn is_contract(name: &str) -> bool {
    matches!(name.rsplit('/').next(), Some("contract.yaml" | "contract.yml"))
}

fn find_twins(files: &Files, scenarios: &[(Scenario, super::Span)], mistakes: &mut Vec<Mistake>) {
    let by_name: HashMap<&str, &Arc<SourceFile>> = files.iter().map(|file| (&*file.name, file)).collect();
    let mut first: HashMap<&str, &Scenario> = HashMap::new();
    for (scenario, span) in scenarios {
        if let Some(earlier) = first.get(&*scenario.id) {
            let Some(file) = by_name.get(scenario.location.file.as_str()) else { continue };
            mistakes.push(Mistake {
                file: Arc::clone(file),
                span: *span,
                message: format!("the id `{}` is taken", scenario.id),
                hint: Some(format!(
                    "it is also in {}, line {}",
                    earlier.location.file, earlier.location.line
                )),
            });
        } else {
            first.insert(&scenario.id, scenario);
        }
    }
}
