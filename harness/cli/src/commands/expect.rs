use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use plumbline_harness::expectation::{Addition, Passing, Update, read, rewrite};
use plumbline_harness::source::SourceFile;
use plumbline_record::{ExitCode, Verdict};
use plumbline_reports::Scenario;

use super::report;
use crate::arguments::{Expect, ExpectUpdate};
use crate::diagnostics::{Failure, printed};
use crate::printer::Printer;
use crate::replace::replace;
use crate::{expectations, suite};

/// `plumbline expect`
pub(crate) fn expect(command: &Expect, printer: Printer) -> Result<ExitCode, Failure> {
    let Expect::Update(arguments) = command;
    update(arguments, printer)
}

fn update(arguments: &ExpectUpdate, printer: Printer) -> Result<ExitCode, Failure> {
    let path = &arguments.file;
    let cases = expectations::cases(&suite::sound(&arguments.sources)?.0);
    let file = if path.exists() {
        expectations::file(path)?
    } else {
        Arc::new(SourceFile { name: path.display().to_string().into(), text: "".into() })
    };
    let expectations = read(&file, &cases).map_err(Failure::Mistakes)?;
    let update = Update::new(&expectations, &verdicts(&arguments.record, &cases)?);
    if !arguments.check && !update.is_empty() {
        if arguments.reason.is_none() && !update.unlisted.is_empty() {
            let cases = update.unlisted.join("\n  ");
            return Err(Failure::Usage(anyhow!("--reason is missing; it says why these fail:\n  {cases}")));
        }
        let link = arguments.link.as_deref();
        let addition = arguments.reason.as_deref().map(|reason| Addition { reason, link });
        let text = rewrite(&file, &cases, &expectations, &update, addition)
            .map_err(|mistake| Failure::Mistakes(vec![mistake]))?;
        replace(path, |file| file.write_all(text.as_bytes()))
            .with_context(|| format!("write {}", path.display()))
            .map_err(Failure::Configuration)?;
    }
    printed(tell(&update, &mut printer.out()))?;
    if update.is_empty() {
        printer.note(&format!("{} can stay as it is", path.display()));
    } else if arguments.check {
        return Ok(ExitCode::StaleExpectation);
    } else {
        printer.note(&format!("wrote {}", path.display()));
    }
    Ok(ExitCode::Conformant)
}

/// The verdicts that records hold, by case.
fn verdicts(records: &[PathBuf], cases: &[String]) -> Result<BTreeMap<String, Verdict>, Failure> {
    let summary = report::summary(records)?;
    let known: HashSet<&str> = cases.iter().map(String::as_str).collect();
    let mut verdicts = BTreeMap::new();
    for case in summary.scenarios().flat_map(Scenario::cases) {
        if !known.contains(case.name.as_str()) {
            let message = "in the suite: the record is of other scenarios, which --scenarios has to name";
            return Err(Failure::Configuration(anyhow!("find `{}` {message}", case.name)));
        }
        verdicts.insert(case.name.clone(), case.verdict);
    }
    Ok(verdicts)
}

fn tell(update: &Update, out: &mut impl io::Write) -> io::Result<()> {
    for Passing { pattern, line, .. } in &update.stale {
        writeln!(out, "- {pattern}  passes now (line {line})")?;
    }
    for case in &update.unlisted {
        writeln!(out, "+ {case}  failed")?;
    }
    for Passing { pattern, line, passed, others, .. } in &update.partly {
        let (passed, others) = (passed.join(", "), others.join(", "));
        writeln!(out, "! {pattern}  is left alone (line {line}): passed {passed}; did not pass {others}")?;
    }
    Ok(())
}
