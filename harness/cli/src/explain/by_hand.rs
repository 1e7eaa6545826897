//! A scenario's steps as commands for a POSIX shell.

use plumbline_harness::scenario::{
    Action, Body, Call, Contract, Credential, Encoding, Raw, Scenario, Step, Template,
};
use plumbline_record::{Body as SentBody, Request};
use plumbline_reports::{curl, printf};

use super::polling::loop_of;
use super::shape::{short, shown};
use super::shell::Shell;

/// The commands, after comments that say what they need.
pub(super) fn commands(scenario: &Scenario, contract: Option<&Contract>) -> String {
    let dialect = scenario.dialect.as_ref().map(|dialect| &dialect.credential);
    let credential = dialect.or_else(|| contract.map(|contract| &contract.credential));
    let mut hand =
        Hand { contract, credential: credential.cloned().unwrap_or_default(), shell: Shell::default() };
    let steps = scenario.steps.iter().chain(&scenario.always);
    let commands: Vec<_> = steps.map(|step| format!("\n# {}\n{}\n", step.name, hand.step(step))).collect();
    let variables = hand.shell.variables();
    let width = variables.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let told: Vec<_> = variables
        .iter()
        .map(|(name, meaning)| format!("# {name:width$}  {}\n", told(meaning, scenario, contract)))
        .collect();
    told.concat() + &commands.concat()
}

/// What a variable stands for, with what is known of it besides.
fn told(meaning: &str, scenario: &Scenario, contract: Option<&Contract>) -> String {
    let line = short(meaning);
    let Some(name) = meaning.strip_prefix("{{ ") else { return line };
    let model = name.strip_prefix("models.").and_then(|rest| rest.split_once(' '));
    if let Some(text) = model.and_then(|(model, _)| contract?.models.get(model)) {
        return format!("{line}: {text}");
    }
    let role = name.strip_prefix("credentials.").and_then(|rest| rest.split_once(' '));
    if let Some(text) = role.and_then(|(role, _)| contract?.roles.get(role)) {
        return format!("{line}: {text}");
    }
    let root = name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let keeps = |step: &&Step| step.captures.iter().any(|capture| &*capture.name == root);
    match scenario.steps.iter().find(keeps) {
        Some(step) => format!("{line}, kept by the step {}", step.name),
        None => line,
    }
}

/// Writes commands, and notes the variables in them.
struct Hand<'c> {
    contract: Option<&'c Contract>,
    credential: Credential,
    shell: Shell,
}

impl Hand<'_> {
    fn step(&mut self, step: &Step) -> String {
        match &step.action {
            Action::Call(call) => self.call(call, step.expect.stream_kind().is_some()),
            Action::Poll(poll) => loop_of(poll, &self.call(&poll.call, false)),
            Action::Raw(raw) => self.raw(raw),
            Action::RevokeKey { role } => format!("# revoke the key of {role}, by the gateway's own means"),
            Action::ArmFault(rule) => {
                format!("# have the gateway's provider fail, by its own means: {}", shown(rule))
            }
            Action::ArmUpstreamFault(rule) => {
                format!(
                    "# have the simulated providers fail, by the simulator's control API: {}",
                    shown(rule)
                )
            }
            Action::ClearFaults => "# have the gateway's provider work again, by its own means".to_owned(),
            Action::Advance { text, .. } => {
                format!("# let {} pass on the gateway's clock, by its own means", short(text))
            }
        }
    }

    fn call(&mut self, call: &Call, streamed: bool) -> String {
        let gateway = self.shell.place("gateway", "the gateway's address, such as http://127.0.0.1:8080");
        let url = gateway + &self.shell.text(&call.path);
        let mut headers = self.headers(&call.headers, call.role.as_deref());
        if matches!(call.body, Body::Json(_)) && !has(&headers, "content-type") {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        if call.chunked {
            headers.push(("transfer-encoding".to_owned(), "chunked".to_owned()));
        }
        let text = self.body(&call.body);
        let charset = charset(&call.body);
        let sent = text.clone().filter(|_| charset.is_none());
        let body = sent.map(|text| SentBody { bytes: text.len() as u64, text, cut: false });
        let mut command = curl(&Request { method: call.method.to_string(), url, headers, body });
        if streamed {
            // Otherwise curl shows events only once it has many of them.
            command = command.replacen("curl -sS", "curl -sS -N", 1);
        }
        if let (Some(charset), Some(text)) = (charset, text) {
            command = format!("{} | iconv -f utf-8 -t {charset} | {command} --data-binary @-", printf(&text));
        }
        let Some(times) = call.burst else { return command };
        let own = match call.needed_keys() {
            Some((role, _)) => {
                format!("# give each request a key of {role} of its own, by the gateway's own means\n")
            }
            None => String::new(),
        };
        format!("{own}for INDEX in $(seq 0 {}); do\n{command} &\ndone; wait", times.saturating_sub(1))
    }

    fn raw(&mut self, raw: &Raw) -> String {
        let host = self.shell.place("gateway_host", "the gateway's host, such as 127.0.0.1");
        self.shell.place("gateway_port", "the gateway's port, such as 8080");
        let mut head = vec![self.shell.text(&raw.request_line)];
        let mut headers = self.headers(&raw.headers, raw.role.as_deref());
        if !has(&headers, "host") {
            headers.insert(0, ("host".to_owned(), host));
        }
        head.extend(headers.into_iter().map(|(name, value)| format!("{name}: {value}")));
        let head = head.join("\r\n") + "\r\n\r\n";
        let body = self.body(&raw.body).unwrap_or_default();
        let bytes = match charset(&raw.body) {
            None => printf(&(head + &body)),
            Some(charset) => {
                format!("{{ {}; {} | iconv -f utf-8 -t {charset}; }}", printf(&head), printf(&body))
            }
        };
        let close = if raw.half_close { " -N" } else { "" };
        format!("{bytes} | nc{close} \"$GATEWAY_HOST\" \"$GATEWAY_PORT\"")
    }

    fn headers(&mut self, written: &[(String, Template)], role: Option<&str>) -> Vec<(String, String)> {
        let mut headers: Vec<_> =
            written.iter().map(|(name, value)| (name.clone(), self.shell.text(value))).collect();
        let Credential { header, prefix } = self.credential.clone();
        if let Some(role) = role.filter(|_| !has(&headers, &header)) {
            let text = self.contract.and_then(|contract| contract.roles.get(role));
            let text = text.map_or_else(String::new, |text| format!(": {text}"));
            let key = self.shell.place(role, format!("the key of {role}{text}"));
            headers.push((header, format!("{prefix}{key}")));
        }
        headers
    }

    fn body(&mut self, body: &Body) -> Option<String> {
        match body {
            Body::Empty => None,
            Body::Json(shape) => Some(self.shell.json(shape.node())),
            Body::Text(template, _) => Some(self.shell.text(template)),
        }
    }
}

/// What a body's text is converted to, as iconv calls it.
fn charset(body: &Body) -> Option<&'static str> {
    match body {
        Body::Text(_, Encoding::Latin1) => Some("latin1"),
        Body::Text(_, Encoding::Utf16) => Some("utf-16"),
        Body::Empty | Body::Json(_) | Body::Text(_, Encoding::Utf8) => None,
    }
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
}
