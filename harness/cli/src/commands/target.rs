//! From `--target` to the gateway under test.

use std::path::Path;
use std::sync::Arc;

use plumbline_harness::source::{SourceFile, read_text};
use plumbline_harness::target::{self, Environment, Target, TargetError};
use plumbline_reference_server::Defect;

use crate::arguments::TargetChoice;
use crate::diagnostics::Failure;
use crate::embedded::REFERENCE_TARGET;
use crate::reference::{defects, gateway, simulator};
use crate::served::Served;
use crate::suite;

/// A gateway under test, and what was started in this process for it.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) target: Target,
    pub(super) servers: Vec<Served>,
}

impl Chosen {
    /// Starts the simulator of the target's providers, where it is to be started. `involved` says whether there is a
    /// scenario that needs it.
    fn with_simulator(mut self, involved: bool) -> Result<Self, Failure> {
        if let Some(address) = self.target.simulator_to_start(involved) {
            let started = simulator(address)?;
            self.target.simulator_started(&started.url, &started.control_token).map_err(failure)?;
            self.servers.push(started);
        }
        Ok(self)
    }
}

/// Stops what was started.
pub(super) async fn stop(servers: Vec<Served>) {
    for server in servers {
        server.stop().await;
    }
}

/// The gateway that was chosen. `involved` says whether a scenario looks at what it asks of its providers.
pub(super) fn choose(choice: &TargetChoice, involved: bool) -> Result<Chosen, Failure> {
    match &choice.target {
        None => in_process(defects(&choice.defect)?, involved, choice.upstream),
        Some(address) if address.contains("://") => {
            let mut target = target::at_url(
                choice.url.as_deref().unwrap_or(address),
                &choice.key,
                &choice.model,
                &Environment::of_process(),
                suite::templates(None),
            )
            .map_err(failure)?;
            choice.capability.iter().for_each(|name| target.offers.claim(name));
            Ok(Chosen { target, servers: Vec::new() })
        }
        Some(path) => {
            if !(choice.key.is_empty() && choice.model.is_empty() && choice.capability.is_empty()) {
                let message =
                    "--key, --model and --capability go with an address; a descriptor says these itself";
                return Err(Failure::Usage(anyhow::anyhow!(message)));
            }
            let text = read_text(Path::new(path)).map_err(Failure::configuration)?;
            let file = Arc::new(SourceFile { name: path.as_str().into(), text: text.into() });
            let environment = Environment::of_process();
            let target = target::read(&file, choice.url.as_deref(), &environment, suite::templates(None));
            let target = target.map_err(failure)?;
            Chosen { target, servers: Vec::new() }.with_simulator(involved)
        }
    }
}

/// The reference gateway inside this process, every world of it with these defects. Its providers are played by the
/// simulator for the scenarios that involve it, or `always`.
pub(super) fn in_process(defects: Vec<Defect>, involved: bool, always: bool) -> Result<Chosen, Failure> {
    let reference = gateway(defects, involved || always)?;
    let environment = Environment::default().with("PLUMBLINE_CONTROL_TOKEN", &reference.control_token);
    let file = Arc::new(SourceFile { name: "targets/reference.yaml".into(), text: REFERENCE_TARGET.into() });
    let target = target::read(&file, Some(&reference.url), &environment, suite::templates(None));
    let mut target = target.map_err(failure)?;
    if let Some(upstream) = &mut target.upstream {
        upstream.always = always;
    }
    Chosen { target, servers: vec![reference] }.with_simulator(involved)
}

fn failure(error: TargetError) -> Failure {
    match error {
        TargetError::Mistakes(mistakes) => Failure::Mistakes(mistakes),
        missing @ TargetError::NoCredentials(_) => Failure::configuration(missing),
        other => Failure::Usage(other.into()),
    }
}
