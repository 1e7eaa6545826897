//! Servers inside this process.

use plumbline_reference_server::Server;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server that runs; it ends with its handle.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) url: String,
    pub(crate) control_token: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Served {
    /// Runs a server beside everything else.
    pub(crate) fn start(server: Server) -> Self {
        let url = format!("http://{}", server.address());
        let control_token = server.control_token().to_owned();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(server.run(async move {
            // Ends when told to, or when whoever would tell is gone.
            let _ = stopped.await;
        }));
        Self { url, control_token, stop, ended }
    }

    /// Stops it and waits for its end.
    pub(crate) async fn stop(self) {
        // Both fail only where it has ended already.
        let _ = self.stop.send(());
        let _ = self.ended.await;
    }
}
