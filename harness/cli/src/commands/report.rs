use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use plumbline_record::ExitCode;
use plumbline_reports::{Summary, TerminalOptions, Verbosity, render, write_junit};

use super::merge::merge;
use crate::arguments::{Report, ReportCommand, Telling};
use crate::diagnostics::{Failure, printed};
use crate::printer::Printer;

/// `plumbline report`
pub(crate) fn report(arguments: &Report, printer: Printer) -> Result<ExitCode, Failure> {
    if let Some(ReportCommand::Merge(arguments)) = &arguments.command {
        return merge(arguments, printer);
    }
    let summary = summary(&arguments.records)?;
    if let Some(path) = &arguments.junit {
        junit(&summary, arguments.strict, path).map_err(Failure::Configuration)?;
    }
    show(&summary, arguments.strict, arguments.telling, printer)?;
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

/// Prints the summary, as much of it as was asked for.
pub(super) fn show(
    summary: &Summary,
    strict: bool,
    telling: Telling,
    printer: Printer,
) -> Result<(), Failure> {
    let verbosity = match telling {
        _ if printer.is_quiet() => Verbosity::Quiet,
        Telling { brief: true, .. } => Verbosity::Brief,
        Telling { verbose: true, .. } => Verbosity::Verbose,
        Telling { .. } => Verbosity::Normal,
    };
    printed(render(summary, &TerminalOptions { strict, verbosity }, &mut printer.out()))
}
