//! From `--target` to the gateway under test.

use std::path::Path;
use std::sync::Arc;

use plumbline_harness::source::{SourceFile, read_text};
use plumbline_harness::target::{self, Contracts, Environment, Target, TargetError, Word};
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

/// Refuses what is said of a gateway that describes itself.
fn refuse_words_of_an_address(choice: &TargetChoice) -> Result<(), Failure> {
    if choice.key.is_empty() && choice.model.is_empty() && choice.capability.is_empty() {
        return Ok(());
    }
    let message = "--key, --model and --capability go with an address; a descriptor says these itself";
    Err(Failure::Usage(anyhow::anyhow!(message)))
}

/// The gateway that was chosen, described in the words of these contracts. `involved` says whether a scenario looks at what it
/// asks of its providers.
pub(super) fn choose(
    choice: &TargetChoice,
    contracts: &Contracts,
    involved: bool,
) -> Result<Chosen, Failure> {
    match &choice.target {
        None => {
            refuse_words_of_an_address(choice)?;
            in_process(defects(&choice.defect)?, involved, choice.upstream)
        }
        Some(address) if address.contains("://") => {
            refuse_unknown_words(choice, contracts)?;
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
            refuse_words_of_an_address(choice)?;
            let text = read_text(Path::new(path)).map_err(Failure::configuration)?;
            let file = Arc::new(SourceFile { name: path.as_str().into(), text: text.into() });
            let environment = Environment::of_process();
            let (url, templates) = (choice.url.as_deref(), suite::templates(None));
            let target = target::read_against(contracts, &file, url, &environment, templates);
            let target = target.map_err(failure)?;
            Chosen { target, servers: Vec::new() }.with_simulator(involved)
        }
    }
}

/// Refuses options with a word that no contract knows: what it was meant to claim or to bind would go untested.
fn refuse_unknown_words(choice: &TargetChoice, contracts: &Contracts) -> Result<(), Failure> {
    let capabilities = choice.capability.iter().map(|word| (Word::Capability, word));
    let roles = choice.key.iter().map(|(word, _)| (Word::Role, word));
    let models = choice.model.iter().map(|(word, _)| (Word::Model, word));
    for (kind, word) in capabilities.chain(roles).chain(models) {
        if let Some((message, hint)) = kind.unknown(word, contracts.values()) {
            let hint = hint.map_or_else(String::new, |hint| format!("\n  hint: {hint}"));
            return Err(Failure::Usage(anyhow::anyhow!("{message}{hint}")));
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Sources;

    #[test]
    fn the_reference_speaks_in_the_words_of_its_contracts() {
        let (suite, _) = suite::sound(&Sources { scenarios: None, fixtures: None }).unwrap();
        let file = SourceFile { name: "reference.yaml".into(), text: REFERENCE_TARGET.into() };
        let unknown = target::unknown_words(&Arc::new(file), &suite.contracts);
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
