use std::io::Write as _;

use plumbline_record::ExitCode;
use plumbline_reference_server::catalogue;
use plumbline_reports::printable;

use crate::arguments::Explain;
use crate::diagnostics::{Failure, printed};
use crate::explain::Index;
use crate::printer::Printer;
use crate::suite;

/// `plumbline explain`
pub(crate) fn explain(arguments: &Explain, printer: Printer) -> Result<ExitCode, Failure> {
    let (suite, _) = suite::sound(&arguments.sources)?;
    let index = Index::new(&suite, catalogue());
    let Some(text) = index.explain(&arguments.id) else {
        let hint = match index.nearest(&arguments.id) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "`plumbline list` and `plumbline defects` list what there is".to_owned(),
        };
        let id = &arguments.id;
        return Err(Failure::Usage(anyhow::anyhow!(
            "there is no scenario, requirement or defect `{id}`\n  hint: {hint}"
        )));
    };
    printed(write!(printer.out(), "{}", printable(&text)))?;
    Ok(ExitCode::Conformant)
}
