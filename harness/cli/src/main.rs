//! The `plumbline` binary: arguments become settings, settings become one command, a command becomes an exit code.

mod arguments;
mod catalogue;
mod commands;
mod configuration;
mod diagnostics;
mod embedded;
mod expectations;
mod explain;
mod facts;
mod printer;
mod progress;
mod recorder;
mod reference;
mod repeat;
mod replace;
mod served;
mod suite;

use std::process::ExitCode;

use clap::Parser as _;
use plumbline_record::ExitCode as Code;

use crate::arguments::{Arguments, Command};
use crate::diagnostics::Failure;
use crate::printer::Printer;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { Code::Usage } else { Code::Conformant };
            // Where even this cannot be printed, the exit code has to do.
            let _ = error.print();
            return code.into();
        }
    };
    let printer = Printer::new(arguments.color, arguments.quiet);
    let result = match arguments.command {
        Command::Run(run) => commands::run(&run, printer),
        Command::Serve(serve) => commands::serve(serve, printer),
        Command::Upstream(upstream) => commands::upstream(upstream, printer),
        Command::Prove(prove) => commands::prove(&prove, printer),
        Command::Coverage(coverage) => commands::coverage(&coverage, printer),
        Command::List(list) => commands::list(&list, printer),
        Command::Explain(explain) => commands::explain(&explain, printer),
        Command::Lint(lint) => commands::lint(&lint, printer),
        Command::Report(report) => commands::report(&report, printer),
        Command::Statement(statement) => commands::statement(&statement, printer),
        Command::Expect(expect) => commands::expect(&expect, printer),
        Command::Schema(schema) => commands::schema(&schema, printer),
        Command::Defects => commands::defects(printer),
    };
    result.unwrap_or_else(|failure: Failure| failure.show(printer)).into()
}
