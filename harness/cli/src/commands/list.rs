use std::io::{self, Write as _};

use plumbline_harness::scenario::Scenario;
use plumbline_record::ExitCode;
use plumbline_reports::one_line;
use serde_json::{Value, json};

use crate::arguments::List;
use crate::diagnostics::{Failure, count, printed};
use crate::printer::Printer;
use crate::suite;

/// `plumbline list`
pub(crate) fn list(arguments: &List, printer: Printer) -> Result<ExitCode, Failure> {
    let (suite, _) = suite::sound(&arguments.sources)?;
    let selector = suite::selector(&arguments.selection)?;
    let scenarios: Vec<&Scenario> = suite
        .scenarios
        .iter()
        .map(|scenario| &**scenario)
        .filter(|scenario| selector.selects(scenario))
        .collect();
    let mut out = printer.out();
    printed(if arguments.json {
        let array: Value = scenarios.iter().map(|scenario| entry(scenario)).collect();
        writeln!(out, "{array:#}")
    } else {
        lines(&scenarios, &mut out)
    })?;
    printer.note(&count(scenarios.len(), "scenario"));
    Ok(ExitCode::Conformant)
}

fn lines(scenarios: &[&Scenario], out: &mut impl io::Write) -> io::Result<()> {
    let tags: Vec<_> = scenarios.iter().map(|scenario| scenario.tags.join(",")).collect();
    let ids = scenarios.iter().map(|scenario| scenario.id.chars().count()).max().unwrap_or(0);
    let widest = tags.iter().map(|tags| tags.chars().count()).max().unwrap_or(0);
    for (scenario, tags) in scenarios.iter().zip(&tags) {
        let Scenario { id, title, location, .. } = scenario;
        let line = format!("{id:ids$}  {tags:widest$}  {title}  {}:{}", location.file, location.line);
        writeln!(out, "{}", one_line(&line, usize::MAX))?;
    }
    Ok(())
}

fn entry(scenario: &Scenario) -> Value {
    json!({
        "id": &*scenario.id,
        "title": &*scenario.title,
        "contract": &*scenario.contract,
        "group": &*scenario.group,
        "tags": scenario.tags,
        "covers": scenario.covers,
        "requires": scenario.requires.iter().map(|name| &**name).collect::<Vec<_>>(),
        "models": scenario.models.iter().map(|name| &**name).collect::<Vec<_>>(),
        "file": scenario.location.file,
        "line": scenario.location.line,
    })
}
