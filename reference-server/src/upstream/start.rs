use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use uuid::Uuid;

use super::credentials::Credentials;
use super::recorder::Recorder;
use super::simulator::Simulator;
use super::world::Stage;
use super::worlds::UpstreamWorlds;
use crate::brain::tokens;
use crate::domain::catalog::Catalog;
use crate::domain::closing::Closing;
use crate::domain::log_writer::LogWriter;
use crate::domain::world::Commons;
use crate::provider::Mock;
use crate::server::{Server, listen};
use crate::start::StartError;
use crate::store::{First, Place, Store};

/// How to start a simulator.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Where to listen; port 0 for a free one.
    pub listen: SocketAddr,
    /// What the control API asks for; without one a random token is made.
    pub control_token: Option<String>,
    /// The file to which calls are appended once they have ended, as JSON lines.
    pub journal: Option<PathBuf>,
    /// The largest body that is taken, in bytes.
    pub body_limit: usize,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            control_token: None,
            journal: None,
            body_limit: 64 * 1024 * 1024,
        }
    }
}

/// Takes the port. Connections are accepted from here on, and served by [`Server::run`].
///
/// # Errors
///
/// When the address is taken, or the file of the journal cannot be opened.
pub fn bind(settings: UpstreamSettings) -> Result<Server, StartError> {
    let credentials = Credentials::embedded().map_err(|error| StartError::Fixture(error.to_string()))?;
    let brain = Arc::new(Mock::default());
    warm_up(&brain);
    let (listener, address) = listen(settings.listen)
        .map_err(|problem| StartError::Listen { address: settings.listen, problem })?;
    let (store, _) = Store::open(&Place::Memory, false, First { keys: &[], documents: &[] })?;
    let catalog = Catalog::of_providers().map_err(|error| StartError::Fixture(error.to_string()))?;
    let commons = Commons::new(catalog, Arc::new(Recorder::of(brain)), store);
    let file = match settings.journal {
        None => None,
        Some(place) => match LogWriter::to_file(&place) {
            Ok(writer) => Some(Arc::new(writer)),
            Err(problem) => return Err(StartError::Log { place, problem }),
        },
    };
    let stage = Stage { commons, credentials, file, closing: Closing::default() };
    let worlds = UpstreamWorlds::new(url(address), stage);
    let control_token = settings.control_token.unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    let simulator = Simulator::new(Arc::new(worlds), &control_token, settings.body_limit);
    Ok(Server::of_simulator(listener, address, simulator, control_token))
}

/// Loads tokenizer and rules beside everything else; whoever needs them first waits for them.
fn warm_up(brain: &Arc<Mock>) {
    let brain = Arc::clone(brain);
    let work = move || {
        tokens::warm_up();
        if let Err(error) = brain.warm_up() {
            tracing::error!(%error, "the rules in the binary cannot be read");
        }
    };
    // Without the thread they load with the first question.
    let _ = thread::Builder::new().name("plumbline-warm-up".to_owned()).spawn(work);
}

/// How somebody on this machine reaches an address that is listened on.
fn url(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_everywhere_is_reached_on_this_machine() {
        assert_eq!(url("0.0.0.0:9090".parse().unwrap()), "http://127.0.0.1:9090");
        assert_eq!(url("[::]:9090".parse().unwrap()), "http://[::1]:9090");
        assert_eq!(url("192.0.2.1:80".parse().unwrap()), "http://192.0.2.1:80");
    }
}
