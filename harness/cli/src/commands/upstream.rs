use std::io::{self, Write};

use plumbline_record::ExitCode;
use plumbline_reference_server::Server;
use plumbline_reference_server::upstream::{UpstreamSettings, access, bind};

use super::serving::{make_folder_of, serve_until_stopped};
use crate::arguments::Upstream;
use crate::diagnostics::Failure;
use crate::printer::Printer;

/// `plumbline upstream`
pub(crate) fn upstream(arguments: Upstream, printer: Printer) -> Result<ExitCode, Failure> {
    if let Some(file) = &arguments.journal {
        make_folder_of(file)?;
    }
    let settings = UpstreamSettings {
        listen: arguments.listen,
        control_token: arguments.control_token,
        journal: arguments.journal,
        ..UpstreamSettings::default()
    };
    serve_until_stopped(|| bind(settings), greet, printer)
}

fn greet(server: &Server, out: &mut dyn Write) -> io::Result<()> {
    let url = format!("http://{}", server.address());
    writeln!(out, "listening on {url}")?;
    writeln!(out, "control token {}", server.control_token())?;
    for access in access(&url) {
        writeln!(out, "{}  {}", access.provider, access.base_url)?;
        for (name, value) in access.credentials {
            // Text without its quotes; a service account as JSON in one line.
            let told = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            writeln!(out, "  {name}  {told}")?;
        }
    }
    Ok(())
}
