use std::collections::BTreeSet;
use std::io;

use plumbline_record::{ExitCode, Verdict};

use super::{Defect, Proof, Requirement, Trial, Wrong};
use crate::detail::{Demand, Detail};
use crate::listing::plural;
use crate::palette::{Palette, symbol};
use crate::printable::{one_line, printable};

/// Cases that are named behind a requirement; the rest are counted.
const NAMED: usize = 3;

/// Writes the proof for a person: a line for each defect, then what is wrong in full, then the verdict.
///
/// It is styled for a terminal; where `out` is none, wrap it in a stream that strips the styles. Nothing is told by
/// colour alone.
///
/// # Errors
///
/// `out` cannot be written to.
pub fn render(proof: &Proof, out: &mut impl io::Write) -> io::Result<()> {
    for (defect, trial) in proof.tried() {
        line(proof, defect, trial, out)?;
    }
    unsound(proof, out)?;
    for (defect, requirement) in proof.survivors() {
        survivor(proof, defect, requirement, out)?;
    }
    for (defect, trial) in proof.tried() {
        bystanders(defect, trial, out)?;
    }
    if proof.is_sound() {
        for requirement in proof.unbroken() {
            let Palette { bad, strong, .. } = Palette::COLOURED;
            let id = &requirement.id;
            writeln!(out, "\n{bad}✗ not broken by any defect{bad:#} {strong}{id}{strong:#}")?;
            demand(requirement, out)?;
        }
    }
    closing(proof, out)
}

fn line(proof: &Proof, defect: &Defect, trial: &Trial, out: &mut impl io::Write) -> io::Result<()> {
    let Palette { strong, .. } = Palette::COLOURED;
    let verdict = if proof.is_caught(&defect.id) { Verdict::Passed } else { Verdict::Failed };
    let (sign, style, id) = (symbol(verdict), Palette::COLOURED.of(verdict), &defect.id);
    let mut parts: Vec<_> = proof
        .broken(defect)
        .map(|requirement| match trial.kills.get(&requirement.id) {
            Some(cases) => format!("{} ← {}", requirement.id, few(cases)),
            None => format!("{} survives", requirement.id),
        })
        .collect();
    if !trial.bystanders.is_empty() {
        parts.push(plural(trial.bystanders.len(), "bystander"));
    }
    if parts.is_empty() {
        parts.push("breaks nothing that is asked for here".to_owned());
    }
    writeln!(out, "{style}{sign}{style:#} {strong}{id}{strong:#}  {}", parts.join("; "))
}

/// The first few of many cases, and their number.
fn few(cases: &BTreeSet<String>) -> String {
    let named: Vec<_> = cases.iter().take(NAMED).map(String::as_str).collect();
    let more = if cases.len() > NAMED { ", …" } else { "" };
    format!("{}{more} ({})", named.join(", "), cases.len())
}

fn unsound(proof: &Proof, out: &mut impl io::Write) -> io::Result<()> {
    for case in proof.sound.values().flat_map(|sound| &sound.wrong) {
        wrong("without a defect", case, out)?;
    }
    Ok(())
}

fn survivor(
    proof: &Proof,
    defect: &Defect,
    requirement: &Requirement,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let Palette { bad, strong, .. } = Palette::COLOURED;
    writeln!(out, "\n{bad}✗ survives{bad:#} {strong}{}{strong:#}: {}", defect.id, defect.text)?;
    demand(requirement, out)?;
    let verifiers: Vec<_> = proof
        .sound
        .iter()
        .filter(|(_, sound)| sound.verifies.contains(&requirement.id))
        .map(|(scenario, _)| scenario.as_str())
        .collect();
    match verifiers.as_slice() {
        [] => writeln!(out, "  no check verifies it"),
        verifiers => writeln!(out, "  no check of it misses, not in {}", verifiers.join(", ")),
    }
}

fn demand(requirement: &Requirement, out: &mut impl io::Write) -> io::Result<()> {
    let text = one_line(&requirement.text, usize::MAX);
    writeln!(out, "  {} {}: {text}", requirement.level, requirement.id)
}

fn bystanders(defect: &Defect, trial: &Trial, out: &mut impl io::Write) -> io::Result<()> {
    for case in &trial.bystanders {
        wrong(
            &format!("as a bystander of {}, which breaks {}", defect.id, defect.breaks.join(", ")),
            case,
            out,
        )?;
    }
    Ok(())
}

/// A case that went wrong, with every check that missed.
fn wrong(how: &str, wrong: &Wrong, out: &mut impl io::Write) -> io::Result<()> {
    let palette = Palette::COLOURED;
    let Palette { strong, .. } = palette;
    let (sign, style) = match wrong.verdict {
        Verdict::Passed => ('!', palette.caution),
        verdict => (symbol(verdict), palette.of(verdict)),
    };
    // What passed and is listed all the same has a warning.
    let verdict = if wrong.verdict == Verdict::Passed { "warning" } else { wrong.verdict.word() };
    writeln!(out, "\n{style}{sign} {verdict}{style:#} {strong}{}{strong:#} {how}", wrong.case)?;
    if wrong.misses.is_empty()
        && let Some(reason) = &wrong.reason
    {
        writeln!(out, "  {}", printable(reason).replace('\n', "\n  "))?;
    }
    for miss in &wrong.misses {
        let detail = Detail { miss, required: None, demand: Demand::Untold, palette, indent: "  " };
        write!(out, "{detail}")?;
    }
    Ok(())
}

fn closing(proof: &Proof, out: &mut impl io::Write) -> io::Result<()> {
    writeln!(out)?;
    let (verdict, conclusion) = match proof.exit_code() {
        ExitCode::Conformant => (Verdict::Passed, proved(proof)),
        ExitCode::NothingChecked => {
            (Verdict::Disabled, "nothing checked: no scenario was selected".to_owned())
        }
        _ => (Verdict::Failed, not_proved(proof)),
    };
    let (sign, style) = (symbol(verdict), Palette::COLOURED.of(verdict));
    writeln!(out, "{style}{sign}{style:#} {conclusion}")
}

fn proved(proof: &Proof) -> String {
    format!(
        "proved: {} caught; {}, {}",
        plural(proof.trials.len(), "defect"),
        plural(proof.requirements.len(), "requirement"),
        plural(proof.sound.len(), "scenario")
    )
}

fn not_proved(proof: &Proof) -> String {
    if proof.interrupted {
        return format!("not proved: interrupted after {}", plural(proof.trials.len(), "defect"));
    }
    if !proof.is_sound() {
        let cases = proof.sound.values().map(|sound| sound.wrong.len()).sum();
        let cases = plural(cases, "case");
        return format!("not proved: without a defect every case must pass, and {cases} did not");
    }
    let bystanders = proof.trials.values().map(|trial| trial.bystanders.len()).sum();
    let problems = [
        (proof.survivors().count(), "survivor", ""),
        (bystanders, "bystander", ""),
        (proof.unbroken().count(), "requirement", " not broken by any defect"),
    ];
    let told: Vec<_> = problems
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, noun, rest)| plural(count, noun) + rest)
        .collect();
    format!("not proved: {}", told.join(", "))
}
