use std::io::Write as _;

use plumbline_harness::source::written;
use plumbline_harness::target::descriptor_schema;
use plumbline_record::ExitCode;

use super::markdown::markdown;
use crate::arguments::{Schema, SchemaFormat, SchemaOf};
use crate::diagnostics::Failure;
use crate::printer::Printer;

/// `plumbline schema`
pub(crate) fn schema(arguments: &Schema, printer: Printer) -> Result<ExitCode, Failure> {
    let schema = match arguments.of {
        SchemaOf::Scenario => written::scenario_schema(),
        SchemaOf::Contract => written::contract_schema(),
        SchemaOf::Target => descriptor_schema(),
    };
    let text = match arguments.format {
        SchemaFormat::Json => serde_json::to_string_pretty(&schema).map_err(Failure::configuration)? + "\n",
        SchemaFormat::Markdown => markdown(schema.as_value()),
    };
    write!(printer.out(), "{text}").map_err(Failure::configuration)?;
    Ok(ExitCode::Conformant)
}
