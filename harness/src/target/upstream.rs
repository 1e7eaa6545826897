use std::net::SocketAddr;
use std::time::Duration;

use url::Url;

use super::{Secret, ServiceCall, Target, TargetError};

/// The simulator that plays a gateway's providers.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Where it is.
    pub simulator: SimulatorPlace,
    /// Makes a world of the gateway whose providers are those of a world of the simulator: `upstream.url`. Without it all
    /// scenarios share what the simulator has at its root.
    pub world: Option<ServiceCall>,
    /// Whether scenarios that do not involve the simulator have their providers played too.
    pub always: bool,
    /// How long a call, or the end of one, is waited for.
    pub deadline: Duration,
}

/// Where a simulator is.
#[derive(Clone, Debug)]
pub enum SimulatorPlace {
    /// At this address, with the token of its control API.
    At {
        /// The address.
        url: Url,
        /// The token.
        token: Secret,
    },
    /// Nowhere yet: it is to be started, and to listen here.
    Start(SocketAddr),
}

impl Target {
    /// Where a simulator has to be started before scenarios like these are run. One that serves each scenario with a world
    /// of its own is not needed where none involves it.
    pub fn simulator_to_start(&self, is_involved: bool) -> Option<SocketAddr> {
        let upstream = self.upstream.as_ref()?;
        match upstream.simulator {
            SimulatorPlace::Start(address) if is_involved || upstream.always || upstream.world.is_none() => {
                Some(address)
            }
            _ => None,
        }
    }

    /// The address of the simulator, where one runs.
    pub fn simulator_url(&self) -> Option<&Url> {
        match &self.upstream.as_ref()?.simulator {
            SimulatorPlace::At { url, .. } => Some(url),
            SimulatorPlace::Start(_) => None,
        }
    }

    /// Says where the simulator was started.
    ///
    /// # Errors
    /// When this is not an address.
    pub fn simulator_started(&mut self, url: &str, token: &str) -> Result<(), TargetError> {
        let url = super::read::parse_url(url)?;
        let token = Secret::new("UPSTREAM_TOKEN", token);
        if let Some(upstream) = &mut self.upstream {
            self.secrets.add(token.clone());
            upstream.simulator = SimulatorPlace::At { url, token };
        }
        Ok(())
    }
}
