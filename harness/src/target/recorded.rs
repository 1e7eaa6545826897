//! A target as the record keeps it: enough to judge what was claimed, and nothing secret.

use plumbline_record::{Configuration, Offered, TargetRef};

use super::{Offer, Offers, Role, Target};

impl Target {
    /// What the record says of it.
    ///
    /// `contracts` are those of the run. A target that names no contracts is taken to claim these; one that names some
    /// claims them whether or not they are run.
    pub fn recorded<'c>(&self, contracts: impl Iterator<Item = &'c str>) -> TargetRef {
        let offers: Vec<(&str, &Offer)> = match &self.offers {
            Offers::Any(offer) => contracts.map(|contract| (contract, offer)).collect(),
            Offers::Each(offers) => offers.iter().map(|(contract, offer)| (&**contract, offer)).collect(),
        };
        let configuration = Configuration {
            scripted: self.scripted,
            roles: self.roles.iter().map(|(name, role)| (name.to_string(), self.source(role))).collect(),
            observers: self.observers(),
            means: self.means(),
            contracts: offers
                .into_iter()
                .map(|(contract, offer)| (contract.to_owned(), self.offered(offer)))
                .collect(),
        };
        TargetRef {
            name: self.shown(&self.name),
            url: self.shown_url(),
            digest: self.digest.clone(),
            configuration: Some(Box::new(configuration)),
        }
    }

    fn shown(&self, text: &str) -> String {
        self.secrets.redact(text).into_owned()
    }

    fn source(&self, role: &Role) -> String {
        match role {
            Role::Environment { variable, .. } => format!("environment variable {}", self.shown(variable)),
            Role::Minted(_) => "minted".to_owned(),
        }
    }

    fn offered(&self, offer: &Offer) -> Offered {
        let dialects = offer.dialects.iter().map(|(name, offer)| (self.shown(name), self.offered(offer)));
        let models = offer.models.iter().map(|(name, model)| (self.shown(name), self.shown(&model.id)));
        Offered {
            path: self.shown(&offer.path),
            capabilities: offer.capabilities.iter().map(|name| self.shown(name)).collect(),
            models: models.collect(),
            dialects: dialects.collect(),
        }
    }

    fn observers(&self) -> Vec<String> {
        named([
            (self.billing.is_some(), "billing"),
            (self.key_observer.is_some(), "keys"),
            (self.logs.is_some(), "logs"),
            (self.upstream.is_some(), "upstream"),
        ])
    }

    fn means(&self) -> Vec<String> {
        named([
            (self.worlds.is_some(), "worlds"),
            (self.keys.mint.is_some(), "mint keys"),
            (self.keys.revoke.is_some(), "revoke keys"),
            (self.faults.is_some(), "faults"),
            (self.clock.is_some(), "clock"),
        ])
    }
}

/// The names of what is there.
fn named<const N: usize>(all: [(bool, &str); N]) -> Vec<String> {
    all.into_iter().filter(|(is_there, _)| *is_there).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::scenario::Templates;
    use crate::source::SourceFile;
    use crate::target::{Environment, at_url, read};

    const DESCRIPTOR: &str = "\
name: mine sk-very-secret
url: http://user:hidden-password@127.0.0.1:4000/k/sk-very-secret/base?token=sk-very-secret
models: { chat: { id: m-sk-very-secret } }
contracts:
  openai: { path: /openai, capabilities: [tools], dialects: { wire: { path: /w, capabilities: [images] } } }
  gemini: {}
roles: { all_scopes: { env: MY_KEY }, chat_only: { mint: {} } }
keys:
  mint: { request: { call: POST /keys, headers: { authorization: '{{ env.MY_KEY }}' } }, id: $.id, secret: $.key }
";

    fn templates() -> Templates {
        Templates::new(Arc::new(|_: &str| None::<Vec<u8>>))
    }

    fn environment() -> Environment {
        Environment::default().with("MY_KEY", "sk-very-secret")
    }

    #[test]
    fn a_descriptor_is_kept_without_its_secrets() {
        let file = Arc::new(SourceFile { name: "target.yaml".into(), text: DESCRIPTOR.into() });
        let target = read(&file, None, &environment(), templates()).unwrap();
        let recorded = target.recorded(["gsai"].into_iter());
        let text = serde_json::to_string(&recorded).unwrap();
        assert!(!text.contains("sk-very-secret") && !text.contains("hidden-password"), "{text}");
        assert_eq!(recorded.url, "http://127.0.0.1:4000/k/[redacted:MY_KEY]/base");
        let configuration = recorded.configuration.unwrap();
        assert_eq!(configuration.roles["all_scopes"], "environment variable MY_KEY");
        assert_eq!(configuration.roles["chat_only"], "minted");
        assert_eq!(configuration.means, ["mint keys"]);
        // It claims what it names, and nothing of the contract that is run.
        let claimed: Vec<_> = configuration.contracts.keys().map(String::as_str).collect();
        assert_eq!(claimed, ["gemini", "openai"]);
        let openai = &configuration.contracts["openai"];
        assert_eq!((openai.path.as_str(), &openai.capabilities[..]), ("/openai", &["tools".to_owned()][..]));
        assert_eq!(openai.models["chat"], "m-[redacted:MY_KEY]");
        let wire = &openai.dialects["wire"];
        assert_eq!((wire.path.as_str(), wire.capabilities.join(" ")), ("/w", "images tools".to_owned()));
        assert_eq!(wire.models, openai.models);
    }

    #[test]
    fn a_bare_address_claims_what_is_run() {
        let keys = [("all_scopes".to_owned(), "MY_KEY".to_owned())];
        let target = at_url("http://127.0.0.1:1", &keys, &[], &environment(), templates()).unwrap();
        let configuration = target.recorded(["gsai"].into_iter()).configuration.unwrap();
        assert_eq!(configuration.contracts.into_keys().collect::<Vec<_>>(), ["gsai"]);
    }

    #[test]
    fn neither_the_name_nor_the_address_of_a_bare_address_gives_access() {
        let keys = [("all_scopes".to_owned(), "MY_KEY".to_owned())];
        for url in [
            "http://sk-very-secret@127.0.0.1:1/a",
            "http://tok-0123456789@127.0.0.1:1/a?key=sk-very-secret",
            "http://jane:tok-0123456789@127.0.0.1:1/a",
        ] {
            let target = at_url(url, &keys, &[], &environment(), templates()).unwrap();
            let recorded = target.recorded(["gsai"].into_iter());
            assert_eq!(
                (recorded.name.as_str(), recorded.url.as_str()),
                ("http://127.0.0.1:1/a", "http://127.0.0.1:1/a")
            );
            let written = target.secrets.redact(url);
            assert!(!written.contains("sk-very-secret") && !written.contains("tok-0123456789"), "{written}");
        }
    }
}
