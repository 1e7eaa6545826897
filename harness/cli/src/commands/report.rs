use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use plumbline_record::ExitCode;
use plumbline_reports::{Summary, TerminalOptions, render, write_junit};

use crate::arguments::Report;
use crate::diagnostics::{Failure, printed};
use crate::printer::Printer;

/// `plumbline report`
pub(crate) fn report(arguments: &Report, printer: Printer) -> Result<ExitCode, Failure> {
    let summary = summary(&arguments.records)?;
    if let Some(path) = &arguments.junit {
        junit(&summary, arguments.strict, path).map_err(Failure::Configuration)?;
    }
    show(&summary, TerminalOptions { strict: arguments.strict, verbose: arguments.verbose }, printer)?;
    Ok(summary.exit_code(arguments.strict))
}

/// What records decided, one after another.
pub(super) fn summary(records: &[PathBuf]) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    for path in records {
        read(path, &mut summary).map_err(Failure::Configuration)?;
    }
    Ok(summary)
}

fn read(path: &Path, summary: &mut Summary) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    for event in plumbline_record::read(BufReader::new(file)) {
        summary.add(event.with_context(|| format!("read {}", path.display()))?);
    }
    Ok(())
}

/// Writes JUnit XML in place of an earlier file.
pub(super) fn junit(summary: &Summary, strict: bool, path: &Path) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
    write_junit(summary, strict, BufWriter::new(file)).with_context(|| format!("write {}", path.display()))
}

/// Prints the summary.
pub(super) fn show(summary: &Summary, options: TerminalOptions, printer: Printer) -> Result<(), Failure> {
    printed(render(summary, &options, &mut printer.out()))
}
