//! A deliberate defect in words.

use std::fmt::Write as _;

use plumbline_harness::scenario::{Requirement, Scenario};
use plumbline_reference_server::DefectInfo;

use super::requirement::wild;

/// What a defect does, what it breaks, and who must notice.
pub(super) fn explain(
    defect: &DefectInfo,
    broken: &[(&str, Option<&Requirement>, Vec<&Scenario>)],
) -> String {
    let DefectInfo { id, text: what, .. } = defect;
    let mut text = format!("{id}  {what}\n  deliberate defect of the reference gateway{}\n", wild(defect));
    text.push_str("\nBreaks\n");
    for (id, requirement, verifiers) in broken {
        // Writing to a string cannot fail.
        let _ = match requirement {
            None => writeln!(text, "  {id}"),
            Some(requirement) => writeln!(text, "  {} {id}  {}", requirement.level, requirement.text),
        };
        let verifiers: Vec<_> = verifiers.iter().map(|scenario| &*scenario.id).collect();
        let _ = match verifiers.as_slice() {
            [] => writeln!(text, "    verified by no scenario"),
            verifiers => writeln!(text, "    verified by {}", verifiers.join(", ")),
        };
    }
    let _ =
        write!(text, "\nSee for yourself\n  plumbline run --defect {id}\n  plumbline serve --defect {id}\n");
    text
}
