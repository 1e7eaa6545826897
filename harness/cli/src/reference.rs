//! The reference gateway inside this process.

use plumbline_reference_server::{Defect, LogSink, Server, Settings, bind};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::diagnostics::Failure;

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
