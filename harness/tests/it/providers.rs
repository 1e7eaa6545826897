//! A canned control API of the simulator that plays providers: what it tells of calls is up to the test.

use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use plumbline_harness::target::Environment;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::gateway::{Answer, Gateway, Received};
use crate::support::environment;

/// What the control API asks for.
const TOKEN: &str = "token-0123456789";

/// A simulator; whoever plays the gateway makes the calls.
#[derive(Clone)]
pub(crate) struct Providers {
    api: Arc<Gateway>,
    state: Arc<Mutex<State>>,
    /// How many pieces of a gated text may be sent.
    pub(crate) through: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct State {
    calls: Vec<Value>,
    /// What happens once so many looks at the journal were taken.
    late: Vec<(usize, Late)>,
    looks: usize,
    made: u64,
    gate: GateState,
}

/// What happens later.
enum Late {
    /// A call comes.
    Call(Value),
    /// The call of a number ends so.
    End(usize, &'static str),
}

/// What is told of the gate.
#[derive(Clone, Copy, Default)]
pub(crate) struct GateState {
    pub(crate) met: bool,
    pub(crate) sent: u64,
    pub(crate) text: &'static str,
    pub(crate) over: bool,
    pub(crate) cut: bool,
}

impl Providers {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let through = Arc::new(watch::Sender::new(0));
        let (own, gate) = (Arc::clone(&state), Arc::clone(&through));
        let api = Gateway::start(move |request| own.lock().answer(request, &gate)).await;
        Self { api: Arc::new(api), state, through }
    }

    /// Takes a call of the gateway to a provider, which answers with this status, and numbers it.
    pub(crate) fn call(&self, provider: &str, status: u16, body: Value) -> usize {
        self.state.lock().call(call(provider, status, body))
    }

    /// Has a call come once so many looks at the journal were taken.
    pub(crate) fn call_late(&self, looks: usize, call: Value) {
        self.state.lock().late.push((looks, Late::Call(call)));
    }

    /// Has the call of a number end only while it is looked at.
    pub(crate) fn end_late(&self, number: usize, outcome: &'static str) {
        self.end(number, "open");
        let mut state = self.state.lock();
        let looks = state.looks + 3;
        state.late.push((looks, Late::End(number, outcome)));
    }

    /// Says how the call of a number ended, or that it has not.
    pub(crate) fn end(&self, number: usize, outcome: &str) {
        self.state.lock().end(number, outcome);
    }

    pub(crate) fn set_gate(&self, gate: GateState) {
        self.state.lock().gate = gate;
    }

    /// Method and path of the requests to the control API, without looks.
    pub(crate) fn told(&self) -> Vec<String> {
        self.requests().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    /// The bodies that were sent to the control API.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        let requests = self.requests();
        requests.iter().filter_map(|request| serde_json::from_str(&request.body).ok()).collect()
    }

    fn requests(&self) -> Vec<Received> {
        let mut received = self.api.received();
        received.retain(|request| request.method != "GET");
        received
    }

    /// The environment of a descriptor that names this simulator.
    pub(crate) fn environment(&self) -> Environment {
        environment().with("UPSTREAM_URL", &self.api.url).with("UPSTREAM_TOKEN", TOKEN)
    }
}

/// A call as the journal tells it.
#[expect(clippy::needless_pass_by_value, reason = "the body is written where it is handed over")]
pub(crate) fn call(provider: &str, status: u16, body: Value) -> Value {
    json!({
        "provider": provider, "model": "model-a", "method": "POST", "path": "/v1/chat", "query": "", "status": status,
        "headers": { "authorization": "Bearer sk-of-the-gateway" }, "body": body, "outcome": "whole",
    })
}

impl State {
    fn answer(&mut self, request: &Received, through: &watch::Sender<u64>) -> Answer {
        if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Answer::whole(401, "");
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let parts: Vec<_> = path.split('/').skip(3).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", []) => Answer::json(201, &json!({ "id": "w1", "base_path": "/~w/w1" })),
            ("GET", [_, "journal"]) => self.journal(query),
            ("POST", [_, "faults" | "gates"]) => {
                self.made += 1;
                Answer::json(201, &json!({ "id": self.made }))
            }
            ("POST", [_, "gates", _, "release"]) => {
                let wanted: Value = serde_json::from_str(&request.body).unwrap();
                through.send_replace(wanted["through"].as_u64().unwrap());
                Answer::whole(204, "")
            }
            ("GET", [_, "gates", _]) => {
                let GateState { met, sent, text, over, cut } = self.gate;
                let outcome = if cut {
                    "cut"
                } else if over {
                    "whole"
                } else {
                    "open"
                };
                Answer::json(200, &json!({ "met": met, "sent": sent, "text": text, "outcome": outcome }))
            }
            ("DELETE", [_, "gates", _]) => {
                through.send_replace(u64::MAX);
                Answer::whole(204, "")
            }
            ("DELETE", [_] | [_, "faults", _]) => Answer::whole(204, ""),
            _ => Answer::json(404, &json!({ "error": "there is nothing here" })),
        }
    }

    fn journal(&mut self, query: &str) -> Answer {
        self.looks += 1;
        let all = mem::take(&mut self.late).into_iter();
        let (due, late): (Vec<_>, Vec<_>) = all.partition(|(looks, _)| self.looks > *looks);
        self.late = late;
        for (_, happens) in due {
            match happens {
                Late::Call(call) => _ = self.call(call),
                Late::End(number, outcome) => self.end(number, outcome),
            }
        }
        let parameter = |name: &str| {
            let fields = query.split('&').filter_map(|field| field.split_once('='));
            fields.into_iter().find_map(|(field, value)| (field == name).then(|| value.to_owned()))
        };
        let after = parameter("after").unwrap().parse().unwrap();
        let mark = parameter("contains").unwrap_or_default();
        let new = self.calls.iter().skip(after);
        let calls: Vec<_> = new.filter(|call| call.to_string().contains(&mark)).collect();
        Answer::json(200, &json!({ "calls": calls, "last": self.calls.len() }))
    }

    fn call(&mut self, mut call: Value) -> usize {
        let number = self.calls.len() + 1;
        call["number"] = number.into();
        self.calls.push(call);
        number
    }

    fn end(&mut self, number: usize, outcome: &str) {
        self.calls[number - 1]["outcome"] = outcome.into();
    }
}
