//! The reference gateway inside this process, and the simulator of its providers.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use plumbline_reference_server::upstream::{self, UpstreamSettings};
use plumbline_reference_server::{Config, Defect, LogSink, Settings, bind};

use crate::diagnostics::Failure;
use crate::embedded;
use crate::served::Served;

/// Who answers in worlds whose providers are played by a simulator: each under the name of its kind, with the credentials
/// that the simulator takes. In other worlds nobody asks them.
const PROVIDERS: &str = "
providers:
  openai: { kind: openai, key: { env: openai.key } }
  anthropic: { kind: anthropic, key: { env: anthropic.key } }
  gemini: { kind: gemini, key: { env: gemini.key } }
  bedrock:
    kind: bedrock
    region: us-east-1
    credentials:
      access_key_id: { env: bedrock.access_key_id }
      secret_access_key: { env: bedrock.secret_access_key }
  vertex:
    kind: vertex
    project: plumbline-upstream
    location: us-central1
    service_account: { env: vertex.service_account }
";

/// Starts a gateway on a free port of the loopback interface, every world of it with these defects. Without providers
/// besides the mock it is there sooner.
pub(crate) fn gateway(defects: Vec<Defect>, with_providers: bool) -> Result<Served, Failure> {
    let config = if with_providers { providers()? } else { Config::default() };
    let settings = Settings { log: LogSink::None, defects, config, ..Settings::default() };
    bind(settings).map(Served::start).map_err(Failure::configuration)
}

/// Starts a simulator of the providers.
pub(crate) fn simulator(listen: SocketAddr) -> Result<Served, Failure> {
    let settings = UpstreamSettings { listen, ..UpstreamSettings::default() };
    upstream::bind(settings).map(Served::start).map_err(Failure::configuration)
}

fn providers() -> Result<Config, Failure> {
    Config::read(PROVIDERS, &credential).map_err(|mistakes| {
        let told: Vec<_> = mistakes.into_iter().map(|mistake| mistake.message).collect();
        Failure::Configuration(anyhow!("configure the simulated providers: {}", told.join("; ")))
    })
}

/// What the simulator takes, by its provider and name.
fn credential(name: &str) -> Option<String> {
    let (provider, name) = name.split_once('.')?;
    // Each world of the gateway is told the address of its own.
    let mut all = upstream::access("http://127.0.0.1").into_iter();
    let access = all.find(|access| access.provider.name() == provider)?;
    let (_, value) = access.credentials.into_iter().find(|(known, _)| *known == name)?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulated_providers_can_be_configured() {
        assert!(providers().is_ok());
        assert_eq!(credential("openai.key").as_deref(), Some("sk-upstream-openai"));
        assert_eq!(credential("openai.secret"), None);
    }
}
