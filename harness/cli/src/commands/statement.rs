use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use plumbline_harness::source::written::wrappers::{Located, Tree, TreeValue};
use plumbline_harness::source::yaml::decode;
use plumbline_harness::source::yaml::decode::DecodeError;
use plumbline_harness::source::{Mistake, SourceFile, Span, read_text};
use plumbline_harness::target::{Environment, Secret, Secrets};
use plumbline_record::{Event, ExitCode, ReadError, RunStarted};
use plumbline_reports::statement::{self, ContractFacts, FORMAT, Finding, Implementation, StatementError};
use plumbline_reports::{Summary, one_line};
use serde::Deserialize;

use crate::arguments::{Sources, Statement, StatementCommand, StatementVerify, StatementWrite};
use crate::diagnostics::{Failure, printed, render};
use crate::facts::facts;
use crate::printer::Printer;
use crate::replace::replace;
use crate::suite;

/// What may stand around a value that is assigned.
const QUOTES: [char; 2] = ['\'', '"'];

/// `plumbline statement`
pub(crate) fn statement(arguments: &Statement, printer: Printer) -> Result<ExitCode, Failure> {
    match (&arguments.command, &arguments.write) {
        (Some(StatementCommand::Verify(verifying)), _) => verify(verifying, printer),
        (None, Some(writing)) => write(writing, &arguments.sources, printer),
        (None, None) => Err(Failure::Usage(anyhow!("name a record, or a statement to verify"))),
    }
}

fn write(arguments: &StatementWrite, sources: &Sources, printer: Printer) -> Result<ExitCode, Failure> {
    let StatementWrite { records, implementation, version, reproduce, out } = arguments;
    let implementation = Implementation { name: implementation.clone(), version: version.clone() };
    let mut statement = told(records, &known(sources)?, implementation)?;
    if let Some(command) = reproduce {
        let command = without_secrets(command, &statement.target, &Environment::of_process());
        statement = statement
            .reproduced_by(command)
            .map_err(|error| Failure::Usage(anyhow!("no command for --reproduce: {error}")))?;
    }
    if statement.tells_nothing() {
        let why = "nothing was decided of a contract that the target claims";
        return Err(Failure::Configuration(anyhow!("make a statement from these records: {why}")));
    }
    let text = statement.to_yaml().map_err(Failure::configuration)?;
    match out {
        None => printed(write!(printer.out(), "{text}"))?,
        Some(path) => {
            replace(path, |file| file.write_all(text.as_bytes()))
                .with_context(|| format!("write {}", path.display()))
                .map_err(Failure::Configuration)?;
            printer.note(&format!("wrote {}", path.display()));
        }
    }
    Ok(ExitCode::Conformant)
}

fn verify(arguments: &StatementVerify, printer: Printer) -> Result<ExitCode, Failure> {
    let file = source(&arguments.file)?;
    let statement = read(&file)?;
    let known = known(&arguments.sources)?;
    let mut findings = statement.check(&known);
    if !arguments.record.is_empty() {
        let recorded = told(&arguments.record, &known, statement.implementation.clone())?;
        let places: BTreeSet<_> = findings.iter().map(|finding| finding.at.clone()).collect();
        let differences = statement.compare(&recorded).map_err(Failure::configuration)?;
        findings.extend(differences.into_iter().filter(|finding| !places.contains(&finding.at)));
    }
    if findings.is_empty() {
        if !printer.is_quiet() {
            printed(tell(&statement, !arguments.record.is_empty(), &mut printer.out()))?;
        }
        return Ok(ExitCode::Conformant);
    }
    let mistakes = render(&placed(findings, &file), printer);
    if printer.is_quiet() {
        printer.error(&mistakes);
    } else {
        printed(writeln!(printer.out(), "{mistakes}"))?;
    }
    Ok(ExitCode::NotConformant)
}

fn known(sources: &Sources) -> Result<Vec<ContractFacts>, Failure> {
    let (suite, schemas) = suite::sound(sources)?;
    Ok(facts(&suite, &schemas))
}

/// A command without the credentials in it that are in the environment: those of a target's roles, those of Plumbline itself,
/// and whatever is assigned to the variable that it comes from. A descriptor names further variables, and the record does not
/// tell them.
fn without_secrets(command: &str, target: &statement::Target, environment: &Environment) -> String {
    let own = ["PLUMBLINE_CONTROL_TOKEN", "PLUMBLINE_UPSTREAM_TOKEN"];
    let of_roles = target.roles.values().filter_map(|source| source.strip_prefix("environment variable "));
    let mut secrets = Secrets::default();
    for name in own.into_iter().chain(of_roles) {
        if let Some(value) = environment.get(name) {
            secrets.add(Secret::new(name, value));
        }
    }
    let (mut told, mut rest) = (String::new(), command);
    while let Some((before, after)) = rest.split_once('=') {
        told.extend([before, "="]);
        rest = after;
        let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        let Some(value) = environment.get(name) else { continue };
        let bare = after.trim_start_matches(QUOTES);
        if let Some(behind) = bare.strip_prefix(&*value)
            && behind.chars().next().is_none_or(|c| !c.is_alphanumeric())
        {
            let secret = Secret::new(name, value);
            told.push_str(after.strip_suffix(bare).unwrap_or_default());
            told.extend([format!("{secret:?}")]);
            secrets.add(secret);
            rest = behind;
        }
    }
    secrets.redact(&(told + rest)).into_owned()
}

/// What records say of an implementation.
fn told(
    records: &[PathBuf],
    known: &[ContractFacts],
    implementation: Implementation,
) -> Result<statement::Statement, Failure> {
    let summary = summary(records).map_err(Failure::Configuration)?;
    statement::Statement::new(&summary, known, implementation).map_err(|error| {
        let is_other = matches!(error, StatementError::OtherContract { .. });
        let error = anyhow::Error::from(error);
        Failure::Configuration(if is_other {
            let hint = "use the Plumbline that ran it, or give the same --scenarios and --fixtures";
            anyhow!("{error:#}\n  hint: {hint}")
        } else {
            error
        })
    })
}

/// What records decided that are of one run. It does not matter in which order they are given.
fn summary(records: &[PathBuf]) -> anyhow::Result<Summary> {
    let mut parts = records.iter().map(|path| Part::open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    // Shards in the order in which they are merged; otherwise what was run again comes behind what was run before.
    let is_dealt = parts.iter().all(|part| part.started.shard.is_some());
    parts.sort_by_key(|Part { started, .. }| {
        let number = started.shard.as_ref().map_or(0, |shard| shard.number);
        (if is_dealt { number } else { 0 }, started.started_at.clone(), number)
    });
    for (one, other) in parts.iter().zip(parts.iter().skip(1)) {
        let together = || format!("tell {} together with {}", other.path.display(), one.path.display());
        one.started.agree(&other.started).with_context(together)?;
        if one.started == other.started {
            return Err(anyhow!("both are the record of one run")).with_context(together);
        }
    }
    let mut summary = Summary::default();
    for Part { path, started, rest } in parts {
        summary.add(Event::RunStarted(started));
        for event in rest {
            let event = event.with_context(|| format!("read {}", path.display()))?;
            if matches!(event, Event::RunStarted(_)) {
                return Err(anyhow!("read {}: it is the record of several runs", path.display()));
            }
            summary.add(event);
        }
    }
    Ok(summary)
}

/// A record of which the first line is read.
struct Part<'p> {
    path: &'p Path,
    started: RunStarted,
    rest: Box<dyn Iterator<Item = Result<Event, ReadError>>>,
}

impl<'p> Part<'p> {
    fn open(path: &'p Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        let mut rest = plumbline_record::read(BufReader::new(file));
        match rest.next().transpose().with_context(|| format!("read {}", path.display()))? {
            Some(Event::RunStarted(started)) => Ok(Self { path, started, rest: Box::new(rest) }),
            _ => Err(anyhow!("read {}: it is not the record of a run", path.display())),
        }
    }
}

fn source(path: &Path) -> Result<Arc<SourceFile>, Failure> {
    let text = read_text(path).map_err(Failure::configuration)?;
    Ok(Arc::new(SourceFile { name: path.display().to_string().into(), text: text.into() }))
}

/// The first thing to know of a statement.
#[derive(Deserialize)]
struct Version {
    format: Located<u32>,
}

/// Reads a statement of the format that is known here.
fn read(file: &Arc<SourceFile>) -> Result<statement::Statement, Failure> {
    // Of the members of another format nothing can be said.
    if let (Some(Version { format }), _) = decode::<Version>(&file.text)
        && format.value != FORMAT
    {
        let message = format!("this is a statement of format {}: this version knows {FORMAT}", format.value);
        let file = Arc::clone(file);
        return Err(Failure::Mistakes(vec![Mistake { file, span: format.span, message, hint: None }]));
    }
    let (statement, errors) = decode::<statement::Statement>(&file.text);
    match statement {
        Some(statement) if errors.is_empty() => Ok(statement),
        _ => {
            let mistake = |DecodeError { span, message, hint }| Mistake {
                file: Arc::clone(file),
                span: span.unwrap_or_default(),
                message,
                hint,
            };
            Err(Failure::Mistakes(errors.into_iter().map(mistake).collect()))
        }
    }
}

/// What was found, with its places in the file and in their order.
fn placed(findings: Vec<Finding>, file: &Arc<SourceFile>) -> Vec<Mistake> {
    let (tree, _) = decode::<Tree>(&file.text);
    let mut mistakes: Vec<_> = findings
        .into_iter()
        .map(|Finding { at, message, hint }| {
            let span = tree.as_ref().map(|tree| first_line(span(tree, &at), &file.text)).unwrap_or_default();
            Mistake { file: Arc::clone(file), span, message, hint }
        })
        .collect();
    mistakes.sort_by_key(|mistake| (mistake.span.line, mistake.span.column));
    mistakes
}

/// Where a member stands, or the nearest thing around it that is there.
fn span(tree: &Tree, at: &[String]) -> Span {
    let mut found = tree;
    for step in at {
        let next = match &found.value {
            TreeValue::Object(members) => {
                members.iter().find(|(name, _)| name == step).map(|(_, value)| value)
            }
            TreeValue::List(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
            _ => None,
        };
        match next {
            Some(next) => found = next,
            None => break,
        }
    }
    found.span
}

/// The part of a stretch that is in its first line, so that no long list is shown for an entry that it lacks.
fn first_line(span: Span, text: &str) -> Span {
    let rest = text.get(span.start as usize..).unwrap_or_default();
    let line = u32::try_from(rest.lines().next().map_or(0, str::len)).unwrap_or(u32::MAX);
    Span { length: span.length.min(line), ..span }
}

fn tell(statement: &statement::Statement, recorded: bool, out: &mut impl io::Write) -> io::Result<()> {
    let Implementation { name, version } = &statement.implementation;
    writeln!(out, "{} {}", one_line(name, usize::MAX), one_line(version, usize::MAX))?;
    for contract in &statement.contracts {
        let statement::Contract { name, version, claim, because, .. } = contract;
        let because = if because.is_empty() { String::new() } else { format!(": {}", because.join("; ")) };
        let told = one_line(&format!("{name} {version}  {claim}{because}"), usize::MAX);
        writeln!(out, "  {told}")?;
    }
    let more = if recorded { ", with the contracts and with the records" } else { " and with the contracts" };
    writeln!(out, "The statement agrees with itself{more}.")
}

#[cfg(test)]
mod tests {
    use plumbline_reports::statement::{Answers, Target};

    use super::*;

    #[test]
    fn what_the_environment_gives_to_roles_or_a_command_assigns_again_is_a_secret() {
        let environment = Environment::default()
            .with("ROLE_KEY", "sk-role-0123456789")
            .with("ADMIN_TOKEN", "sk-admin-0123456789")
            .with("PIN", "1234")
            .with("EMPTY", "");
        let target = Target {
            name: "mine".to_owned(),
            url: "http://127.0.0.1:1/".to_owned(),
            descriptor: String::new(),
            answers: Answers::Live,
            roles: [
                ("all_scopes".to_owned(), "environment variable ROLE_KEY".to_owned()),
                ("chat_only".to_owned(), "minted".to_owned()),
            ]
            .into(),
            observers: Vec::new(),
            means: Vec::new(),
        };
        for (command, told) in [
            ("KEY=sk-role-0123456789 ci/run", "KEY=[redacted:ROLE_KEY] ci/run"),
            ("ADMIN_TOKEN=sk-admin-0123456789 ci/run", "ADMIN_TOKEN=[redacted:ADMIN_TOKEN] ci/run"),
            (
                "env ADMIN_TOKEN='sk-admin-0123456789' ci/run",
                "env ADMIN_TOKEN='[redacted:ADMIN_TOKEN]' ci/run",
            ),
            (
                "ADMIN_TOKEN=sk-admin-0123456789 ci/run --token sk-admin-0123456789",
                "ADMIN_TOKEN=[redacted:ADMIN_TOKEN] ci/run --token [redacted:ADMIN_TOKEN]",
            ),
            ("PIN=1234 ci/run --jobs=1234", "PIN=[redacted:PIN] ci/run --jobs=1234"),
            ("PIN=12345 OTHER_PIN=1234 EMPTY= ci/run", "PIN=12345 OTHER_PIN=1234 EMPTY= ci/run"),
            ("ADMIN_TOKEN=another ci/run a==b", "ADMIN_TOKEN=another ci/run a==b"),
        ] {
            assert_eq!(without_secrets(command, &target, &environment), told);
        }
    }
}
