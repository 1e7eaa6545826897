//! A requirement in words.

use std::fmt::Write as _;

use plumbline_harness::scenario::{Contract, Requirement, Scenario};
use plumbline_record::Location;
use plumbline_reference_server::DefectInfo;

/// What a requirement demands, who verifies it, and what breaks it.
pub(super) fn explain(
    id: &str,
    requirement: &Requirement,
    contract: &Contract,
    verifiers: &[&Scenario],
    defects: &[DefectInfo],
) -> String {
    let mut text = format!("{id}  {}\n", requirement.text);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "  requirement of {}, {}, {}",
        contract.name,
        requirement.level,
        place(&requirement.location)
    );
    let _ = writeln!(text, "  source: {}", requirement.source);
    let _ = writeln!(text, "\nVerified by");
    for Scenario { id, title, .. } in verifiers {
        let _ = writeln!(text, "  {id}  {title}");
    }
    if verifiers.is_empty() {
        text.push_str("  no scenario\n");
    }
    let _ = writeln!(text, "\nBroken by");
    let mut broken = false;
    for defect in breakers(id, defects) {
        let _ = writeln!(text, "  {}  {}{}", defect.id, defect.text, wild(defect));
        broken = true;
    }
    if !broken {
        text.push_str("  no defect\n");
    }
    text
}

/// The defects that break a requirement.
pub(super) fn breakers<'d>(id: &str, defects: &'d [DefectInfo]) -> impl Iterator<Item = &'d DefectInfo> {
    defects.iter().filter(move |defect| defect.breaks.contains(&id))
}

/// What is said of a defect that real products have.
pub(super) fn wild(defect: &DefectInfo) -> &'static str {
    if defect.seen_in_the_wild { " (seen in the wild)" } else { "" }
}

/// A place as an editor finds it.
pub(super) fn place(location: &Location) -> String {
    format!("{}:{}", location.file, location.line)
}
