use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use plumbline_harness::source::{SourceFile, read_text};
use plumbline_harness::target::{self, Contracts, Environment, TargetError};
use plumbline_record::ExitCode;

use crate::arguments::Lint;
use crate::diagnostics::{Failure, count, render};
use crate::expectations;
use crate::printer::Printer;
use crate::suite;

/// `plumbline lint`
pub(crate) fn lint(arguments: &Lint, printer: Printer) -> Result<ExitCode, Failure> {
    let fixtures = arguments.fixtures.as_deref();
    let schemas = suite::schemas(fixtures)?;
    schemas.compile_all().map_err(Failure::configuration)?;
    let files = suite::files(&arguments.paths)?;
    let file_count = files.iter().count() + arguments.target.len() + arguments.expect.len();
    let (suite, mut mistakes) = suite::read(files, &schemas, fixtures);
    // A pattern that matches nothing may be meant for a scenario that could not be read, and a word for its contract.
    let is_sound = mistakes.is_empty();
    for path in arguments.expect.iter().filter(|_| is_sound) {
        match expectations::read(path, &suite) {
            Ok(_) => {}
            Err(Failure::Mistakes(found)) => mistakes.extend(found),
            Err(other) => return Err(other),
        }
    }
    for path in &arguments.target {
        match descriptor(path, is_sound.then_some(&suite.contracts))? {
            Ok(_) => {}
            Err(TargetError::Mistakes(found)) => mistakes.extend(found),
            Err(other) => return Err(Failure::configuration(other)),
        }
    }
    let mut out = printer.out();
    let (text, code) = if mistakes.is_empty() {
        let scenarios = count(suite.scenarios.len(), "scenario");
        (format!("{scenarios} in {}, no mistakes", count(file_count, "file")), ExitCode::Conformant)
    } else {
        (render(&mistakes, printer), ExitCode::Configuration)
    };
    writeln!(out, "{text}").map_err(Failure::configuration)?;
    Ok(code)
}

fn descriptor(
    path: &Path,
    contracts: Option<&Contracts>,
) -> Result<Result<target::Target, TargetError>, Failure> {
    let text = read_text(path).map_err(Failure::configuration)?;
    let file = Arc::new(SourceFile { name: path.display().to_string().into(), text: text.into() });
    let (environment, templates) = (Environment::of_process(), suite::templates(None));
    Ok(match contracts {
        Some(contracts) => target::read_against(contracts, &file, None, &environment, templates),
        None => target::read(&file, None, &environment, templates),
    })
}
