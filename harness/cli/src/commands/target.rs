//! From `--target` to the gateway under test.

use std::path::Path;
use std::sync::Arc;

use plumbline_harness::source::{SourceFile, read_text};
use plumbline_harness::target::{self, Environment, Target, TargetError};

use crate::arguments::TargetChoice;
use crate::diagnostics::Failure;
use crate::embedded::REFERENCE_TARGET;
use crate::reference::{Reference, defects};
use crate::suite;

/// The gateway that was chosen, and the one that was started for it.
pub(super) fn choose(choice: &TargetChoice) -> Result<(Target, Option<Reference>), Failure> {
    match &choice.target {
        None => {
            let reference = Reference::start(defects(&choice.defect)?)?;
            let target = in_process(&reference)?;
            Ok((target, Some(reference)))
        }
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
            Ok((target, None))
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
            target.map(|target| (target, None)).map_err(failure)
        }
    }
}

/// The reference gateway that was started inside this process.
pub(super) fn in_process(reference: &Reference) -> Result<Target, Failure> {
    let environment = Environment::default().with("PLUMBLINE_CONTROL_TOKEN", &reference.control_token);
    let file = Arc::new(SourceFile { name: "targets/reference.yaml".into(), text: REFERENCE_TARGET.into() });
    target::read(&file, Some(&reference.url), &environment, suite::templates(None)).map_err(failure)
}

fn failure(error: TargetError) -> Failure {
    match error {
        TargetError::Mistakes(mistakes) => Failure::Mistakes(mistakes),
        missing @ TargetError::NoCredentials(_) => Failure::configuration(missing),
        other => Failure::Usage(other.into()),
    }
}
