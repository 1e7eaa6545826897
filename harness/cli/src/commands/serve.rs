use std::io::{self, Write};
use std::path::Path;

use plumbline_record::ExitCode;
use plumbline_reference_server::{Dialect, LogSink, Server, Settings, bind};

use super::serving::{make_folder_of, serve_until_stopped};
use crate::arguments::Serve;
use crate::configuration;
use crate::diagnostics::Failure;
use crate::printer::Printer;
use crate::reference::defects;

/// `plumbline serve`
pub(crate) fn serve(arguments: Serve, printer: Printer) -> Result<ExitCode, Failure> {
    let dialect: Dialect =
        arguments.dialect.parse().map_err(|error| Failure::Usage(anyhow::anyhow!("{error}")))?;
    let log = match arguments.log {
        None => LogSink::None,
        Some(path) if path == Path::new("-") => LogSink::Stderr,
        Some(path) => {
            make_folder_of(&path)?;
            LogSink::File(path)
        }
    };
    let settings = Settings {
        listen: arguments.listen,
        dialect,
        state: arguments.state,
        durable: arguments.durable,
        control_token: arguments.control_token,
        log,
        defects: defects(&arguments.defect)?,
        config: configuration::read(arguments.config.as_deref())?,
        ..Settings::default()
    };
    serve_until_stopped(|| bind(settings), greet, printer)
}

fn greet(server: &Server, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "listening on http://{}", server.address())?;
    writeln!(out, "control token {}", server.control_token())?;
    let keys = server.keys();
    let width = keys.iter().map(|key| key.role.len()).max().unwrap_or(0);
    for key in keys {
        writeln!(out, "key {:width$}  {}  {}", key.role, key.secret, key.scopes.join(" "))?;
    }
    Ok(())
}
