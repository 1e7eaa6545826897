use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use url::Url;

use super::descriptor::Mint;
use super::file::{Answers, CallEntry, DescriptorFile, MintEntry, RoleEntry, WorldsEntry};
use super::{Environment, Faults, KeyManagement, Limits, Role, Secret, Secrets, ServiceCall, Target, Worlds};
use crate::scenario::{Path, Shape, ShapeNode, Template, Templates, UPSTREAM, Variables};
use crate::source::written::wrappers::{Located, Tree, TreeValue};
use crate::source::yaml::decode::decode;
use crate::source::{Mistake, SourceFile, Span};

/// Why a target cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The descriptor has mistakes.
    #[error("{} mistakes in the target's descriptor", .0.len())]
    Mistakes(Vec<Mistake>),
    /// The address is not one.
    #[error("`{url}` is not an http or https address: {message}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong.
        message: String,
    },
    /// Environment variables that hold credentials are not set: each with its role before it.
    #[error("find the credentials of {}", listed(.0))]
    NoCredentials(Vec<(Arc<str>, Arc<str>)>),
}

/// Roles and their environment variables, as an error names them.
fn listed(missing: &[(Arc<str>, Arc<str>)]) -> String {
    let one = |(role, variable): &(Arc<str>, Arc<str>)| {
        format!("role `{role}`: the environment variable `{variable}` is not set")
    };
    missing.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The JSON Schema of a descriptor.
pub fn descriptor_schema() -> schemars::Schema {
    schemars::schema_for!(DescriptorFile)
}

/// Reads a descriptor. `url`, where given, goes before the descriptor's own.
///
/// # Errors
/// With every mistake in the file, or when there is no usable address.
pub fn read(
    file: &Arc<SourceFile>,
    url: Option<&str>,
    environment: &Environment,
    templates: Templates,
) -> Result<Target, TargetError> {
    let (decoded, errors) = decode::<DescriptorFile>(&file.text);
    let mut reader = Reader {
        file,
        templates,
        environment,
        env: Map::new(),
        secrets: Secrets::default(),
        mistakes: Vec::new(),
    };
    for error in errors {
        reader.note(error.span.unwrap_or_default(), error.message, error.hint);
    }
    let Some(decoded) = decoded else { return Err(TargetError::Mistakes(reader.mistakes)) };
    reader.target(decoded, url)
}

/// An address may carry a password, or a token in place of a user's name.
pub(super) fn add_user(secrets: &mut Secrets, url: &Url) {
    match url.password() {
        Some(password) => secrets.add(Secret::new("URL_PASSWORD", password)),
        None => secrets.add(Secret::new("URL_USER", url.username())),
    }
}

pub(super) fn parse_url(url: &str) -> Result<Url, TargetError> {
    let wrong = |message: String| TargetError::Url { url: url.to_owned(), message };
    let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    match parsed.scheme() {
        "http" | "https" if parsed.has_host() => Ok(parsed),
        "http" | "https" => Err(wrong("it has no host".to_owned())),
        other => Err(wrong(format!("its scheme is `{other}`"))),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) struct Reader<'r> {
    file: &'r Arc<SourceFile>,
    templates: Templates,
    pub(super) environment: &'r Environment,
    env: Map<String, Value>,
    secrets: Secrets,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    pub(super) fn note(&mut self, span: Span, message: impl Into<String>, hint: Option<String>) {
        self.mistakes.push(Mistake { file: Arc::clone(self.file), span, message: message.into(), hint });
    }

    fn target(mut self, entry: DescriptorFile, url: Option<&str>) -> Result<Target, TargetError> {
        let address = match (url, &entry.url) {
            (Some(url), _) => Some(url.to_owned()),
            (None, Some(url)) => Some(url.value.clone()),
            (None, None) => None,
        };
        let Some(address) = address else {
            self.note(
                entry.name.span,
                "there is no address",
                Some("add `url: http://…`, or give --url".to_owned()),
            );
            return Err(TargetError::Mistakes(self.mistakes));
        };
        let mut offers = self.offers(entry.contracts, entry.capabilities, entry.models);
        let roles = self.roles(entry.roles);
        let worlds = entry.worlds.and_then(|worlds| self.worlds(worlds));
        let keys = KeyManagement {
            mint: entry.keys.mint.and_then(|mint| self.mint(mint)),
            revoke: entry.keys.revoke.and_then(|call| self.call(call)),
        };
        let faults = entry.faults.and_then(|faults| {
            // Both are read, so that the mistakes of both are told.
            let (arm, clear) = (self.call(faults.arm), self.call(faults.clear));
            Some(Faults { arm: arm?, clear: clear? })
        });
        let clock = entry.clock.and_then(|clock| self.clock(clock));
        let upstream = entry.upstream.and_then(|upstream| self.upstream(upstream, worlds.is_some()));
        if upstream.is_some() {
            offers.claim(UPSTREAM);
        }
        let billing = entry.observers.billing.and_then(|billing| self.billing(billing));
        let key_observer = entry.observers.keys.and_then(|keys| self.key_observer(keys));
        let logs = entry.observers.logs.and_then(|logs| self.logs(logs));
        let defaults = Limits::default();
        let limits = Limits {
            response_bytes: entry.limits.response_bytes.unwrap_or(defaults.response_bytes),
            step: self.duration(entry.limits.step.as_ref()).unwrap_or(defaults.step),
            scenario: self.duration(entry.limits.scenario.as_ref()).unwrap_or(defaults.scenario),
        };
        let minted = roles.values().any(|role| matches!(role, Role::Minted(_)));
        if minted && keys.mint.is_none() && worlds.is_none() {
            let hint = Some("add `keys.mint`".to_owned());
            self.note(entry.name.span, "a role's key is to be minted, and nothing says how", hint);
        }
        if !self.mistakes.is_empty() {
            return Err(TargetError::Mistakes(self.mistakes));
        }
        let mut variables = Variables::default();
        variables.set("env", Value::Object(self.env));
        let url = parse_url(&address)?;
        add_user(&mut self.secrets, &url);
        Ok(Target {
            name: entry.name.value.into(),
            url,
            digest: hex(&Sha256::digest(self.file.text.as_bytes())),
            scripted: matches!(entry.answers, Answers::Scripted),
            offers,
            roles,
            worlds,
            keys,
            faults,
            clock,
            upstream,
            billing,
            key_observer,
            logs,
            limits,
            templates: self.templates,
            variables,
            secrets: self.secrets,
        })
    }

    fn roles(&mut self, entries: BTreeMap<String, Located<RoleEntry>>) -> BTreeMap<Arc<str>, Role> {
        let mut roles = BTreeMap::new();
        for (name, entry) in entries {
            let span = entry.span;
            match (entry.value.env, entry.value.mint) {
                (Some(variable), None) => {
                    let secret = self.credential(&name, &variable, entry.value.optional, span);
                    roles.insert(name.into(), Role::Environment { variable: variable.into(), secret });
                }
                (None, Some(_)) if entry.value.optional => {
                    let hint = Some("take `optional` out: a key is minted for each scenario".to_owned());
                    self.note(span, "`optional` goes with `env`", hint);
                }
                (None, Some(tree)) => {
                    roles.insert(name.into(), Role::Minted(Arc::new(plain(&tree))));
                }
                _ => {
                    let hint = "write `env: VARIABLE` or `mint: { … }`; a credential itself never stands in the file";
                    self.note(span, "a role's credential comes from one place", Some(hint.to_owned()));
                }
            }
        }
        roles
    }

    /// A role's credential from the environment. Without it the role's cases would go untested, and the run look green.
    fn credential(&mut self, role: &str, variable: &str, optional: bool, span: Span) -> Option<Secret> {
        match self.environment.get(variable) {
            Some(value) => {
                let secret = Secret::new(variable, value);
                self.secrets.add(secret.clone());
                Some(secret)
            }
            None if optional => None,
            None => {
                let message = format!(
                    "role `{role}` has no credential: the environment variable `{variable}` is not set"
                );
                let hint = format!(
                    "export {variable}=…, or write `optional: true` where the role's cases may go untested"
                );
                self.note(span, message, Some(hint));
                None
            }
        }
    }

    fn worlds(&mut self, entry: WorldsEntry) -> Option<Worlds> {
        Some(Worlds {
            create: self.call(entry.create)?,
            base_path: self.path(&entry.base_path)?,
            keys: self.path(&entry.keys)?,
            delete: entry.delete.and_then(|call| self.call(call)),
        })
    }

    fn mint(&mut self, entry: MintEntry) -> Option<Mint> {
        Some(Mint {
            call: self.call(entry.request)?,
            id: self.path(&entry.id)?,
            secret: self.path(&entry.secret)?,
        })
    }

    /// A template in which only environment variables are known.
    pub(super) fn fill(&mut self, template: &Template, span: Span) -> Option<String> {
        let mut variables = Variables::default();
        variables.set("env", Value::Object(self.env.clone()));
        match template.text(&self.templates, &variables) {
            Ok(text) => Some(text),
            Err(error) => {
                self.note(span, error.to_string(), Some("set the environment variable".to_owned()));
                None
            }
        }
    }

    pub(super) fn call(&mut self, entry: CallEntry) -> Option<ServiceCall> {
        let Some((method, path)) = entry.call.split_once(' ') else {
            let hint = Some("write a method and a path, as in `POST /admin/keys`".to_owned());
            self.note(entry.call.span, format!("`{}` is not a call", *entry.call), hint);
            return None;
        };
        let located = Located { value: path.trim().to_owned(), span: entry.call.span };
        let path = self.template(&located)?;
        let mut headers = Vec::new();
        for (name, value) in &entry.headers {
            headers.push((name.to_ascii_lowercase(), self.template(value)?));
        }
        let json = match entry.json {
            None => None,
            Some(tree) => Some(Shape::new(self.shape(&tree)?)),
        };
        Some(ServiceCall { method: method.into(), path, headers, json })
    }

    /// A template, whose environment variables are looked up now: what is missing is told before anything is sent.
    pub(super) fn template(&mut self, text: &Located<String>) -> Option<Template> {
        match self.templates.parse(text) {
            Ok(template) => {
                for name in template.names() {
                    if let Some(variable) = name.strip_prefix("env.") {
                        self.variable(variable, text.span);
                    }
                }
                Some(template)
            }
            Err(error) => {
                self.note(text.span, error.to_string(), None);
                None
            }
        }
    }

    pub(super) fn variable(&mut self, name: &str, span: Span) {
        match self.environment.get(name) {
            Some(value) => {
                self.secrets.add(Secret::new(name, value.as_str()));
                self.env.insert(name.to_owned(), value.into());
            }
            None => {
                let hint = Some(format!("export {name}=…"));
                self.note(span, format!("the environment variable `{name}` is not set"), hint);
            }
        }
    }

    pub(super) fn path(&mut self, text: &Located<String>) -> Option<Path> {
        match Path::parse(text, &mut self.templates) {
            Ok(path) => Some(path),
            Err(error) => {
                self.note(text.span, error.to_string(), None);
                None
            }
        }
    }

    fn shape(&mut self, tree: &Tree) -> Option<ShapeNode> {
        Some(match &tree.value {
            TreeValue::Text(text) => {
                let located = Located { value: text.clone(), span: tree.span };
                ShapeNode::Filled(self.template(&located)?)
            }
            TreeValue::List(items) => {
                ShapeNode::List(items.iter().map(|item| self.shape(item)).collect::<Option<_>>()?)
            }
            TreeValue::Object(entries) => ShapeNode::Object(
                entries
                    .iter()
                    .map(|(name, value)| Some((name.clone(), self.shape(value)?)))
                    .collect::<Option<_>>()?,
            ),
            _ => ShapeNode::Fixed(Arc::new(plain(tree))),
        })
    }

    pub(super) fn duration(&mut self, text: Option<&Located<String>>) -> Option<Duration> {
        let text = text?;
        match humantime::parse_duration(text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                let hint = Some("write, for example, `5s` or `1m 30s`".to_owned());
                self.note(text.span, format!("`{}` is not a duration: {error}", **text), hint);
                None
            }
        }
    }
}

/// A value whose texts are taken as they are.
pub(super) fn plain(tree: &Tree) -> Value {
    match &tree.value {
        TreeValue::Null => Value::Null,
        TreeValue::Bool(value) => json!(value),
        TreeValue::Number(number) => Value::Number(number.clone()),
        TreeValue::Text(text) => json!(text),
        TreeValue::List(items) => items.iter().map(plain).collect(),
        TreeValue::Object(entries) => {
            entries.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
        }
    }
}
