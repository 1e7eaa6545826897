use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;
use plumbline_record::ExitCode;
use plumbline_reference_server::{Dialect, LogSink, Server, Settings, bind};

use crate::arguments::Serve;
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
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)
                    .with_context(|| format!("create {}", folder.display()))
                    .map_err(Failure::Configuration)?;
            }
            LogSink::File(path)
        }
    };
    // What the gateway has to say of itself; its requests have a log of their own.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .init();
    let settings = Settings {
        listen: arguments.listen,
        dialect,
        state: arguments.state,
        durable: arguments.durable,
        control_token: arguments.control_token,
        log,
        defects: defects(&arguments.defect)?,
        ..Settings::default()
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::configuration)?;
    runtime.block_on(async {
        let server = bind(settings).map_err(Failure::configuration)?;
        match greet(&server, printer) {
            // Whoever started it wants to know no more; the gateway serves all the same.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            other => other.context("print the keys").map_err(Failure::Configuration)?,
        }
        server
            .run(async {
                // Without a way to hear Ctrl-C the process is stopped from outside.
                if tokio::signal::ctrl_c().await.is_err() {
                    std::future::pending::<()>().await;
                }
            })
            .await;
        printer.note("stopped");
        Ok(ExitCode::Conformant)
    })
}

fn greet(server: &Server, printer: Printer) -> std::io::Result<()> {
    let mut out = printer.out();
    writeln!(out, "listening on http://{}", server.address())?;
    writeln!(out, "control token {}", server.control_token())?;
    let keys = server.keys();
    let width = keys.iter().map(|key| key.role.len()).max().unwrap_or(0);
    for key in keys {
        writeln!(out, "key {:width$}  {}  {}", key.role, key.secret, key.scopes.join(" "))?;
    }
    out.flush()
}
