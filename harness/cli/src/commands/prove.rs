use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use plumbline_record::ExitCode;
use plumbline_reports::proof::{markdown, render};

use super::proving::{self, Task};
use crate::arguments::Prove;
use crate::diagnostics::{Failure, printed};
use crate::printer::Printer;
use crate::reference::{defects, refuse_other_defects};
use crate::suite;

/// `plumbline prove`
pub(crate) fn prove(arguments: &Prove, printer: Printer) -> Result<ExitCode, Failure> {
    refuse_other_defects(arguments.sources.fixtures.as_deref())?;
    let (suite, schemas) = suite::sound(&arguments.sources)?;
    let task = Task {
        suite: Arc::new(suite),
        schemas: Arc::new(schemas),
        selection: &arguments.selection,
        defects: defects(&arguments.defect)?,
        jobs: arguments.jobs,
    };
    let proof = proving::prove(task, printer)?;
    printed(render(&proof, &mut printer.out()))?;
    if proof.is_whole() {
        if let Some(path) = &arguments.markdown {
            write(path, &markdown(&proof), printer)?;
        }
        if let Some(path) = &arguments.json {
            write(path, &proof.to_json().map_err(Failure::configuration)?, printer)?;
        }
    }
    Ok(proof.exit_code())
}

/// Writes a file in place of an earlier one, and its folder where there is none.
fn write(path: &Path, text: &str, printer: Printer) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("write {}", path.display()))
        .map_err(Failure::Configuration)?;
    printer.note(&format!("wrote {}", path.display()));
    Ok(())
}
