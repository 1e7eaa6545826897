//! The reference gateway inside this process.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use plumbline_reference_server::{Defect, LogSink, Server, Settings, bind};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::diagnostics::Failure;
use crate::embedded;

/// A running reference gateway; it ends with its handle.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) url: String,
    pub(crate) control_token: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Reference {
    /// Starts one on a free port of the loopback interface, every world of it with these defects.
    pub(crate) fn start(defects: Vec<Defect>) -> Result<Self, Failure> {
        let settings = Settings { log: LogSink::None, defects, ..Settings::default() };
        let server: Server = bind(settings).map_err(Failure::configuration)?;
        let url = format!("http://{}", server.address());
        let control_token = server.control_token().to_owned();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(server.run(async move {
            // Ends when told to, or when whoever would tell is gone.
            let _ = stopped.await;
        }));
        Ok(Self { url, control_token, stop, ended })
    }

    /// Stops it and waits for its end.
    pub(crate) async fn stop(self) {
        // Both fail only where it has ended already.
        let _ = self.stop.send(());
        let _ = self.ended.await;
    }
}

/// Defects from their ids.
pub(crate) fn defects(ids: &[String]) -> Result<Vec<Defect>, Failure> {
    ids.iter()
        .map(|id| {
            id.parse::<Defect>().map_err(|error| {
                Failure::Usage(anyhow::anyhow!("{error}\n  hint: `plumbline defects` lists them"))
            })
        })
        .collect()
}

/// Refuses a folder of fixtures with other defects than those of this binary: the gateway inside it would not have them.
pub(crate) fn refuse_other_defects(fixtures: Option<&Path>) -> Result<(), Failure> {
    let folder = fixtures.map(|fixtures| fixtures.join("defects")).filter(|folder| folder.is_dir());
    let Some(folder) = folder else { return Ok(()) };
    let mut others = Vec::new();
    for file in fs::read_dir(&folder)
        .with_context(|| format!("read {}", folder.display()))
        .map_err(Failure::Configuration)?
    {
        let file = file.map_err(Failure::configuration)?;
        let name = file.file_name().to_string_lossy().into_owned();
        let own = embedded::fixture(&format!("defects/{name}"));
        if !own.is_some_and(|own| fs::read(file.path()).is_ok_and(|text| text == own)) {
            others.push(name);
        }
    }
    if others.is_empty() {
        return Ok(());
    }
    others.sort();
    Err(Failure::Configuration(anyhow!(
        "use the defects in {}: not those of this binary, which takes up no others: {}\n  \
         hint: build the binary with these defects, or take them out of the folder",
        folder.display(),
        others.join(", ")
    )))
}
