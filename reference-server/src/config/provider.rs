//! Who answers: from what is written to what is known of a provider.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Number;
use url::Url;

use super::bounds::{self, LIMIT};
use super::environment::{self, FromEnvironment, Lookup};
use super::file::{AwsEntry, KeyEntry, Kind, ProviderEntry, TimeoutsEntry};
use super::notes::Notes;
use super::placed::Placed;
use crate::domain::governance::Weight;
use crate::provider::http::{Endpoint, Secret, Timeouts};

/// Longest name of a region, a project or a location, in bytes.
const LONGEST_NAME: usize = 64;
/// Longest name of a model, in bytes.
const LONGEST_MODEL: usize = 256;
/// Most keys of a provider.
const MOST_KEYS: usize = 100;

/// What is known of a provider.
#[derive(Clone, Debug)]
pub(super) enum ProviderSettings {
    Mock,
    OpenAi { endpoint: Endpoint, keys: Keys },
    Anthropic { endpoint: Endpoint, keys: Keys },
    Gemini { endpoint: Endpoint, keys: Keys },
    Vertex { endpoint: Endpoint, project: String, location: String, service_account: Secret },
    Bedrock { endpoint: Endpoint, region: String, access: BedrockAccess },
}

/// The API keys of a provider.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// The only one, or the first.
    pub(super) first: Secret,
    /// All of them, where they have names.
    pub(super) named: Vec<NamedKey>,
}

/// One of several API keys of a provider.
#[derive(Clone, Debug)]
pub(super) struct NamedKey {
    pub(super) name: String,
    pub(super) key: Secret,
    pub(super) weight: Weight,
    pub(super) models: Vec<String>,
}

/// What lets the gateway in at Bedrock.
#[derive(Clone, Debug)]
pub(super) enum BedrockAccess {
    /// A key that is sent as it is.
    Bearer(Secret),
    /// What requests are signed with.
    Signature { access_key_id: Secret, secret_access_key: Secret, session_token: Option<Secret> },
}

/// Reads a provider; nothing where something is wrong, which is noted.
pub(super) fn settings(
    entry: &Placed<ProviderEntry>,
    lookup: Lookup<'_>,
    notes: &mut Notes<'_>,
) -> Option<ProviderSettings> {
    let mut reader = Reader { entry, kind: *entry.kind, lookup, notes };
    reader.refuse_others();
    Some(match reader.kind {
        Kind::Mock => ProviderSettings::Mock,
        Kind::OpenAi => {
            let (endpoint, keys) = reader.with_keys("https://api.openai.com/v1")?;
            ProviderSettings::OpenAi { endpoint, keys }
        }
        Kind::Anthropic => {
            let (endpoint, keys) = reader.with_keys("https://api.anthropic.com")?;
            ProviderSettings::Anthropic { endpoint, keys }
        }
        Kind::Gemini => {
            let (endpoint, keys) = reader.with_keys("https://generativelanguage.googleapis.com")?;
            ProviderSettings::Gemini { endpoint, keys }
        }
        Kind::Vertex => reader.vertex()?,
        Kind::Bedrock => reader.bedrock()?,
    })
}

/// The fields that a provider of a kind can have, beside `kind` itself.
const fn fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Mock => &[],
        Kind::OpenAi | Kind::Anthropic | Kind::Gemini => &["url", "key", "keys", "timeouts"],
        Kind::Vertex => &["url", "project", "location", "service_account", "timeouts"],
        Kind::Bedrock => &["url", "region", "credentials", "key", "timeouts"],
    }
}

struct Reader<'a, 'n, 't> {
    entry: &'a Placed<ProviderEntry>,
    kind: Kind,
    lookup: Lookup<'a>,
    notes: &'n mut Notes<'t>,
}

impl Reader<'_, '_, '_> {
    /// Notes the fields that are of no use for this kind of provider.
    fn refuse_others(&mut self) {
        let entry = self.entry;
        let given = [
            ("url", entry.url.as_ref().map(Placed::place)),
            ("key", entry.key.as_ref().map(Placed::place)),
            ("keys", entry.keys.as_ref().map(Placed::place)),
            ("region", entry.region.as_ref().map(Placed::place)),
            ("credentials", entry.credentials.as_ref().map(Placed::place)),
            ("project", entry.project.as_ref().map(Placed::place)),
            ("location", entry.location.as_ref().map(Placed::place)),
            ("service_account", entry.service_account.as_ref().map(Placed::place)),
            ("timeouts", entry.timeouts.as_ref().map(Placed::place)),
        ];
        let known = fields(self.kind);
        for (name, place) in given {
            if let Some(place) = place
                && !known.contains(&name)
            {
                let place = self.notes.key_before(place, name);
                let hint = (!known.is_empty()).then(|| format!("known here: {}", known.join(", ")));
                let message = format!("a provider of the kind `{}` has no `{name}`", self.kind.name());
                self.notes.note(place, message, hint);
            }
        }
    }

    fn with_keys(&mut self, usual: &str) -> Option<(Endpoint, Keys)> {
        let endpoint = self.endpoint(usual);
        let keys = self.keys();
        Some((endpoint?, keys?))
    }

    /// The one key, or the several.
    fn keys(&mut self) -> Option<Keys> {
        let Some(entries) = &self.entry.keys else {
            let first = self.credential(self.entry.key.as_ref(), "key")?;
            return Some(Keys { first, named: Vec::new() });
        };
        if self.entry.key.is_some() {
            let place = self.notes.key_before(entries.place(), "keys");
            let hint = Some("take one of them out".to_owned());
            self.notes.note(place, "a provider has either a `key` or `keys`", hint);
            return None;
        }
        if !(1..=MOST_KEYS).contains(&entries.len()) {
            let message = format!("there are {} keys, and can be from 1 to {MOST_KEYS}", entries.len());
            self.notes.note(self.notes.key_before(entries.place(), "keys"), message, None);
            return None;
        }
        let mut names = BTreeSet::new();
        for entry in entries.iter() {
            if !names.insert(entry.name.as_str()) {
                let message = format!("there is a key `{}` already", *entry.name);
                self.notes.note(entry.name.place(), message, None);
            }
        }
        // Every mistake is noted, and not the first alone.
        let read: Vec<_> = entries.iter().map(|entry| self.named_key(entry)).collect();
        let all = read.into_iter().collect::<Option<Vec<_>>>()?;
        let first = all.first()?.key.clone();
        Some(Keys { first, named: all })
    }

    fn named_key(&mut self, entry: &KeyEntry) -> Option<NamedKey> {
        let name = bounds::name(&entry.name, LONGEST_NAME, self.notes).map(str::to_owned);
        let key = environment::secret(&entry.key, self.lookup, self.notes);
        let weight = self.weight(entry.weight.as_ref());
        let models = entry.models.iter();
        let models: Vec<_> =
            models.map(|model| bounds::name(model, LONGEST_MODEL, self.notes).map(str::to_owned)).collect();
        let models = models.into_iter().collect::<Option<_>>();
        Some(NamedKey { name: name?, key: key?, weight: weight?, models: models? })
    }

    fn weight(&mut self, written: Option<&Placed<f64>>) -> Option<Weight> {
        let Some(written) = written else { return Some(Weight::one()) };
        let weight = Number::from_f64(**written).and_then(|number| Weight::read(&number));
        if weight.is_none() {
            let hint = Some("it can be from 0 to 1000".to_owned());
            self.notes.note(written.place(), format!("{} is out of bounds", **written), hint);
        }
        weight
    }

    fn vertex(&mut self) -> Option<ProviderSettings> {
        let project = self.name(self.entry.project.as_ref(), "project");
        let location = self.name(self.entry.location.as_ref(), "location");
        let service_account = self.service_account();
        let location = location?;
        let usual = match location.as_str() {
            "global" => "https://aiplatform.googleapis.com".to_owned(),
            location => format!("https://{location}-aiplatform.googleapis.com"),
        };
        let endpoint = self.endpoint(&usual)?;
        Some(ProviderSettings::Vertex {
            endpoint,
            project: project?,
            location,
            service_account: service_account?,
        })
    }

    fn bedrock(&mut self) -> Option<ProviderSettings> {
        let region = self.name(self.entry.region.as_ref(), "region");
        let access = self.bedrock_access();
        let region = region?;
        let endpoint = self.endpoint(&format!("https://bedrock-runtime.{region}.amazonaws.com"))?;
        Some(ProviderSettings::Bedrock { endpoint, region, access: access? })
    }

    fn bedrock_access(&mut self) -> Option<BedrockAccess> {
        match (&self.entry.key, &self.entry.credentials) {
            (Some(key), None) => self.credential(Some(key), "key").map(BedrockAccess::Bearer),
            (None, Some(credentials)) => self.signature(credentials),
            _ => {
                let hint = Some("write `credentials: { access_key_id: …, secret_access_key: … }`".to_owned());
                let message = "a provider of the kind `bedrock` has either `credentials` or a `key`";
                self.notes.note(self.entry.place(), message, hint);
                None
            }
        }
    }

    fn signature(&mut self, entry: &AwsEntry) -> Option<BedrockAccess> {
        let access_key_id = self.credential(Some(&entry.access_key_id), "access_key_id");
        let secret_access_key = self.credential(Some(&entry.secret_access_key), "secret_access_key");
        let session_token = match &entry.session_token {
            None => None,
            Some(token) => Some(self.credential(Some(token), "session_token")?),
        };
        Some(BedrockAccess::Signature {
            access_key_id: access_key_id?,
            secret_access_key: secret_access_key?,
            session_token,
        })
    }

    fn credential(&mut self, given: Option<&Placed<FromEnvironment>>, name: &str) -> Option<Secret> {
        match given {
            Some(credential) => environment::secret(credential, self.lookup, self.notes),
            None => {
                self.missing(name, "{ env: … }");
                None
            }
        }
    }

    /// The key of a service account in JSON, which the variable holds itself or names the file of.
    fn service_account(&mut self) -> Option<Secret> {
        let Some(credential) = &self.entry.service_account else {
            self.missing("service_account", "{ env: … }");
            return None;
        };
        let text = environment::text(credential, self.lookup, self.notes)?;
        if text.trim_start().starts_with('{') {
            return Some(Secret::new(&text));
        }
        match fs::read_to_string(text.trim()) {
            Ok(json) => Some(Secret::new(&json)),
            Err(error) => {
                let message =
                    "the environment variable holds neither JSON nor the path of a file that can be read";
                self.notes.note(credential.place(), format!("{message}: {error}"), None);
                None
            }
        }
    }

    fn name(&mut self, given: Option<&Placed<String>>, name: &str) -> Option<String> {
        match given {
            Some(text) => bounds::name(text, LONGEST_NAME, self.notes).map(str::to_owned),
            None => {
                self.missing(name, "…");
                None
            }
        }
    }

    fn endpoint(&mut self, usual: &str) -> Option<Endpoint> {
        let timeouts = self.timeouts();
        let (text, place) = match &self.entry.url {
            Some(url) => (url.as_str(), url.place()),
            None => (usual, self.entry.place()),
        };
        match address(text) {
            Ok(url) => Some(Endpoint { url, timeouts }),
            Err(problem) => {
                let hint = Some("write, for example, `https://api.openai.com/v1`".to_owned());
                let message = format!("this is not an address: {problem}");
                // An address may hold a password, which goes nowhere from here.
                self.notes.note_secret(place, message, hint);
                None
            }
        }
    }

    fn timeouts(&mut self) -> Timeouts {
        let usual = Timeouts::default();
        let Some(entry) = &self.entry.timeouts else { return usual };
        let TimeoutsEntry { connect, first_byte, idle, total } = &**entry;
        let mut limit = |written, usual| bounds::duration(written, &LIMIT, usual, self.notes);
        Timeouts {
            connect: limit(connect.as_ref(), usual.connect),
            first_byte: limit(first_byte.as_ref(), usual.first_byte),
            idle: limit(idle.as_ref(), usual.idle),
            total: limit(total.as_ref(), usual.total),
        }
    }

    fn missing(&mut self, name: &str, value: &str) {
        let message = format!("a provider of the kind `{}` needs `{name}`", self.kind.name());
        self.notes.note(self.entry.place(), message, Some(format!("add `{name}: {value}`")));
    }
}

/// An address below which paths can stand.
///
/// # Errors
///
/// Says what is wrong with it.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let problem = match url.scheme() {
        "http" | "https" if !url.has_host() => "it has no host",
        "http" | "https" if url.query().is_some() || url.fragment().is_some() => "it has more than a path",
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
            "credentials come from the environment"
        }
        "http" | "https" => return Ok(url),
        _ => "it begins with neither http:// nor https://",
    };
    Err(problem.to_owned())
}
