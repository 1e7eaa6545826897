use std::io::Write as _;

use plumbline_record::ExitCode;
use plumbline_reference_server::catalogue;

use crate::diagnostics::Failure;
use crate::printer::Printer;

/// `plumbline defects`
pub(crate) fn defects(printer: Printer) -> Result<ExitCode, Failure> {
    let mut out = printer.out();
    for defect in catalogue() {
        let wild = if defect.seen_in_the_wild { " (seen in the wild)" } else { "" };
        writeln!(out, "{}{wild}\n    {}\n    breaks {}", defect.id, defect.text, defect.breaks.join(", "))
            .map_err(Failure::configuration)?;
    }
    Ok(ExitCode::Conformant)
}
