//! What the commands that serve have in common.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anyhow::Context as _;
use plumbline_record::ExitCode;
use plumbline_reference_server::{Server, StartError};
use tracing_subscriber::filter::LevelFilter;

use crate::diagnostics::Failure;
use crate::printer::Printer;

/// Makes the folder of a file that is to be written.
pub(super) fn make_folder_of(file: &Path) -> Result<(), Failure> {
    let Some(folder) = file.parent() else { return Ok(()) };
    fs::create_dir_all(folder)
        .with_context(|| format!("create {}", folder.display()))
        .map_err(Failure::Configuration)
}

/// Puts a server up, tells how to get at it, and serves until Ctrl-C.
pub(super) fn serve_until_stopped(
    bind: impl FnOnce() -> Result<Server, StartError>,
    greet: impl FnOnce(&Server, &mut dyn Write) -> io::Result<()>,
    printer: Printer,
) -> Result<ExitCode, Failure> {
    // What a server has to say of itself; its requests have a log of their own.
    tracing_subscriber::fmt().with_writer(io::stderr).with_max_level(LevelFilter::WARN).init();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::configuration)?;
    runtime.block_on(async {
        let server = bind().map_err(Failure::configuration)?;
        let greeted = {
            let mut out = printer.out();
            greet(&server, &mut out).and_then(|()| out.flush())
        };
        match greeted {
            // Whoever started it wants to know no more; it serves all the same.
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
