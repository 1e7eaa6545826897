use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use plumbline_harness::source::{Suite, read_text};
use plumbline_record::ExitCode;
use plumbline_reports::proof::{Proof, render};
use plumbline_reports::{Coverage as Covered, Covering};

use super::proving::{self, Task};
use crate::arguments::{Coverage, Selection};
use crate::catalogue::catalogue;
use crate::diagnostics::{Failure, printed};
use crate::printer::Printer;
use crate::reference::refuse_other_defects;
use crate::suite;

/// `plumbline coverage`
pub(crate) fn coverage(arguments: &Coverage, printer: Printer) -> Result<ExitCode, Failure> {
    let (suite, schemas) = suite::sound(&arguments.sources)?;
    let suite = Arc::new(suite);
    let mut catalogues = Vec::new();
    for contract in suite.contracts.values().filter(|contract| is_wanted(&contract.name, arguments, &suite)) {
        if let Some(ids) = catalogue(contract, arguments.sources.scenarios.as_deref())? {
            catalogues.push((&contract.name, ids));
        }
    }
    if catalogues.is_empty() {
        return Err(Failure::Usage(anyhow::anyhow!(
            "no contract that was asked for has a catalogue, an ids.csv"
        )));
    }
    let proof = match &arguments.proof {
        Some(path) => read(path).map_err(Failure::Configuration)?,
        None => {
            refuse_other_defects(arguments.sources.fixtures.as_deref())?;
            let contract = catalogues.iter().map(|(contract, _)| contract.to_string()).collect();
            let selection = Selection { contract, ..Selection::default() };
            let task = Task {
                suite: Arc::clone(&suite),
                schemas: Arc::new(schemas),
                selection: &selection,
                defects: Vec::new(),
                jobs: None,
            };
            proving::prove(task, printer)?
        }
    };
    if !proof.is_whole() {
        printed(render(&proof, &mut printer.out()))?;
        return Ok(proof.exit_code());
    }
    let mut code = ExitCode::Conformant;
    for (contract, ids) in catalogues {
        let covered = Covered::new(contract, ids, &covering(&suite, contract), &proof);
        printed(covered.render(&mut printer.out()))?;
        if !covered.is_complete() {
            code = ExitCode::NotConformant;
        }
    }
    Ok(code)
}

/// Whether a contract was asked for, or nothing was and it has scenarios.
fn is_wanted(contract: &str, arguments: &Coverage, suite: &Suite) -> bool {
    if arguments.contract.is_empty() {
        suite.scenarios.iter().any(|scenario| &*scenario.contract == contract)
    } else {
        arguments.contract.iter().any(|asked| asked == contract)
    }
}

fn covering(suite: &Suite, contract: &str) -> Vec<Covering> {
    let own = suite.scenarios.iter().filter(|scenario| &*scenario.contract == contract);
    own.map(|scenario| Covering {
        scenario: scenario.id.to_string(),
        covers: scenario.covers.clone(),
        steps: scenario.step_covers(),
    })
    .collect()
}

fn read(path: &Path) -> anyhow::Result<Proof> {
    let text = read_text(path)?;
    Proof::from_json(&text).with_context(|| format!("read {}", path.display()))
}
