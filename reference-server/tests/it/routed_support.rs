//! A gateway whose models the simulator serves.

use plumbline_reference_server::{Config, Settings};
use serde_json::json;

use crate::openai_support::CHAT;
use crate::support::{Gateway, raw_chat};
use crate::upstream_support::simulator;

/// The simulator, and a gateway that asks it for `gpt-4.1-mini`, which has these further members in the configuration.
pub(crate) fn routed(members: &str) -> (Gateway, Gateway) {
    let simulator = simulator();
    let config = format!(
        "providers:\n  openai: {{ kind: openai, url: \"http://{}/openai/v1\", key: {{ env: KEY }} }}\n\
         models:\n  gpt-4.1-mini: {{ routes: [{{ provider: openai }}]{members} }}\n",
        simulator.address
    );
    let config = Config::read(&config, &|_| Some("sk-upstream-openai".to_owned())).unwrap();
    (simulator, Gateway::start_with(Settings { config, ..Settings::default() }))
}

/// The bytes of a question to that model, with further lines in its head.
pub(crate) fn question(gateway: &Gateway, text: &str, streamed: bool, lines: &str) -> Vec<u8> {
    let messages = json!([{ "role": "user", "content": text }]);
    let body = json!({ "model": "gpt-4.1-mini", "stream": streamed, "messages": messages }).to_string();
    let lines = format!("content-length: {}\r\n{lines}", body.len());
    raw_chat(CHAT, &gateway.key("all_scopes"), &lines, &body).into_bytes()
}
