use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use plumbline_harness::source::{SourceFile, read_text};
use plumbline_harness::target::{self, Environment, TargetError};
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
    // A pattern that matches nothing may be meant for a scenario that could not be read.
    let expect = if mistakes.is_empty() { &*arguments.expect } else { &[] };
    for path in expect {
        match expectations::read(path, &suite) {
            Ok(_) => {}
            Err(Failure::Mistakes(found)) => mistakes.extend(found),
            Err(other) => return Err(other),
        }
    }
    for path in &arguments.target {
        match descriptor(path)? {
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

fn descriptor(path: &Path) -> Result<Result<target::Target, TargetError>, Failure> {
    let text = read_text(path).map_err(Failure::configuration)?;
    let file = Arc::new(SourceFile { name: path.display().to_string().into(), text: text.into() });
    Ok(target::read(&file, None, &Environment::of_process(), suite::templates(None)))
}
