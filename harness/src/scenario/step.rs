use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use plumbline_record::Location;

use super::{
    Call, Check, Contract, Dialect, Gate, Path, Place, Poll, Raw, Shape, StreamExpectation, StreamKind,
    Template, UpstreamExpectation,
};

/// The capability of a gateway whose providers are played by the simulator.
pub const UPSTREAM: &str = "upstream";

/// What observes more of a gateway than its answers, in the order of the cases: `ID[billing]` and so on.
pub const OBSERVERS: [&str; 4] = ["billing", "keys", "logs", "upstream"];

/// Steps in sequence that together show one thing about a gateway.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Unique over all contracts.
    pub id: Arc<str>,
    /// One line for people.
    pub title: Arc<str>,
    /// The contract it checks.
    pub contract: Arc<str>,
    /// The dialect that it is spelt in, where its contract is portable.
    pub dialect: Option<Arc<Dialect>>,
    /// The group it is reported in.
    pub group: Arc<str>,
    /// Where it is written.
    pub location: Location,
    /// Catalogue ids that it covers, those of its steps included.
    pub covers: Vec<String>,
    /// Words to select by.
    pub tags: Vec<String>,
    /// Capabilities without which it is `unsupported`.
    pub requires: Vec<Arc<str>>,
    /// Models that its templates name; without a binding for each it is `not testable`.
    pub models: Vec<Arc<str>>,
    /// Models of which its templates name providers, and how many of them there must be; without these it is
    /// `not testable`.
    pub providers: BTreeMap<Arc<str>, usize>,
    /// Roles whose credentials its templates name.
    pub credentials: Vec<Arc<str>>,
    /// Most time for all of it; [`Scenario::TIME`] or what the target says where it states none.
    pub timeout: Option<Duration>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Steps that run whatever happened.
    pub always: Vec<Step>,
}

impl Scenario {
    /// Most time for one that states none, unless the target says otherwise.
    pub const TIME: Duration = Duration::from_mins(2);

    /// Its id as it is written: the same for all dialects that it is spelt in.
    pub fn written_id(&self) -> &str {
        match &self.dialect {
            Some(_) => self.id.rsplit_once('@').map_or(&*self.id, |(id, _)| id),
            None => &self.id,
        }
    }

    /// The roles whose credentials it needs, each once: those of its steps in order of use, then those of its templates.
    pub fn roles(&self) -> Vec<&Arc<str>> {
        let used = self.steps.iter().chain(&self.always).filter_map(|step| step.action.role());
        let mut roles = Vec::new();
        for role in used.chain(&self.credentials) {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        roles
    }

    /// How many keys it needs for requests that have one of their own, by role: as many as the largest burst of each.
    pub fn own_keys(&self) -> BTreeMap<&Arc<str>, u32> {
        let mut needed = BTreeMap::new();
        for step in self.steps.iter().chain(&self.always) {
            if let Action::Call(call) = &step.action
                && let Some((role, keys)) = call.needed_keys()
            {
                let most = needed.entry(role).or_insert(keys);
                *most = keys.max(*most);
            }
        }
        needed
    }

    /// The catalogue ids that single steps cover, by the names of the steps that cover any.
    pub fn step_covers(&self) -> BTreeMap<String, Vec<String>> {
        let covering = self.steps.iter().filter(|step| !step.covers.is_empty());
        covering.map(|step| (step.name.to_string(), step.covers.clone())).collect()
    }

    /// Whether its calls to providers must come to their simulator, as far as that plays them: it looks at them, steers
    /// them, or says that it requires it.
    pub fn involves_upstream(&self) -> bool {
        let involves = |step: &Step| {
            let arms = matches!(step.action, Action::ArmUpstreamFault(_));
            step.upstream.is_some() || step.gate.is_some() || arms
        };
        self.requires.iter().any(|word| **word == *UPSTREAM)
            || self.steps.iter().chain(&self.always).any(involves)
    }
}

/// One step and what must come of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Unique within the scenario.
    pub name: Arc<str>,
    /// Where it is written.
    pub location: Location,
    /// Catalogue ids that it covers by itself.
    pub covers: Vec<String>,
    /// What it does.
    pub action: Action,
    /// Most time from sending to the last byte read.
    pub timeout: Option<Duration>,
    /// What the response must be; of a burst, each of its replies.
    pub expect: Expect,
    /// What the list of a burst's replies must be.
    pub replies: Vec<Check>,
    /// Where things stand in its answer, by the names that a portable contract has for them.
    pub answer: Vec<(Arc<str>, Place)>,
    /// What is kept for later steps.
    pub captures: Vec<Capture>,
    /// What the gateway must have billed.
    pub bills: Option<BillExpectation>,
    /// That the key's time of last use moves, and the requirement behind it.
    pub key_used: Option<KeyUsed>,
    /// What the gateway's log must say.
    pub logs: Option<LogExpectation>,
    /// What the gateway must have asked of its providers.
    pub upstream: Option<UpstreamExpectation>,
    /// How the answer of a provider is withheld.
    pub gate: Option<Gate>,
}

impl Step {
    /// The requirements behind what it must be billed: first that of the number of events, then those of the parts of an
    /// event. A part is looked at only where the target shows it, and the cost only where a price is pinned.
    pub fn behind_bill<'c>(&self, contract: Option<&'c Contract>) -> Vec<&'c str> {
        let ids = contract.and_then(|contract| contract.billing.as_ref());
        match (&self.bills, ids) {
            (None, _) | (_, None) => Vec::new(),
            (Some(BillExpectation::None { .. }), Some(ids)) => vec![&ids.none],
            (Some(BillExpectation::One { model, usage, role, .. }), Some(ids)) => {
                let parts = [
                    (true, &ids.one),
                    (model.is_some(), &ids.model),
                    (usage.is_some(), &ids.usage),
                    (role.is_some(), &ids.key),
                    (true, &ids.cost),
                ];
                parts.into_iter().filter(|(is_told, _)| *is_told).map(|(_, id)| &**id).collect()
            }
        }
    }

    /// The requirements that are verified by its answers, in the order of what verifies them.
    pub fn verifies(&self) -> impl Iterator<Item = &str> {
        let Expect { checks, stream, alternatives } = &self.expect;
        let alternatives = alternatives
            .iter()
            .flat_map(|alternative| verified(&alternative.checks, alternative.stream.as_ref()));
        let gate = self.gate.as_ref().and_then(|gate| gate.clause.verifies.as_deref());
        let answers = verified(checks, stream.as_ref()).chain(alternatives).chain(gate);
        let meanwhile = self.action.poll().into_iter().flat_map(|poll| verified(&poll.meanwhile, None));
        answers.chain(verified(&self.replies, None)).chain(meanwhile)
    }

    /// The JSON Schemas that its checks name.
    pub fn schemas(&self) -> impl Iterator<Item = &str> {
        let logs = self.logs.iter().flat_map(|logs| &logs.checks);
        let calls = self.upstream.iter().flat_map(|calls| calls.each.iter().flatten().chain(&calls.every));
        let polls = self.action.poll().into_iter();
        let polls = polls.flat_map(|poll| poll.until.iter().chain(&poll.stop_when).chain(&poll.meanwhile));
        let checks = self.replies.iter().chain(logs).chain(calls).chain(polls).filter_map(Check::schema);
        self.expect.schemas().chain(checks)
    }
}

fn verified<'s>(checks: &'s [Check], stream: Option<&'s StreamExpectation>) -> impl Iterator<Item = &'s str> {
    let checks = checks.iter().filter_map(|check| check.verifies.as_deref());
    checks.chain(stream.into_iter().flat_map(StreamExpectation::verifies))
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Sends a request, once or several times at once.
    Call(Call),
    /// Sends a request again and again.
    Poll(Poll),
    /// Sends bytes on a socket.
    Raw(Raw),
    /// Revokes the key of a role.
    RevokeKey {
        /// The role.
        role: Arc<str>,
    },
    /// Arms a fault of the target's provider, by the target's own means: the members of its rule.
    ArmFault(Shape),
    /// Arms a fault of the simulator that plays the providers: its rule, as the simulator takes it.
    ArmUpstreamFault(Shape),
    /// Takes all faults away.
    ClearFaults,
    /// Lets time pass on the gateway's clock.
    Advance {
        /// How much.
        by: Duration,
        /// The same as it is written.
        text: Arc<str>,
    },
}

impl Action {
    /// The role that it needs a key of.
    pub fn role(&self) -> Option<&Arc<str>> {
        match self {
            Self::Call(call) | Self::Poll(Poll { call, .. }) => call.role.as_ref(),
            Self::Raw(raw) => raw.role.as_ref(),
            Self::RevokeKey { role } => Some(role),
            Self::ArmFault(_) | Self::ArmUpstreamFault(_) | Self::ClearFaults | Self::Advance { .. } => None,
        }
    }

    /// What it polls, if it does.
    pub fn poll(&self) -> Option<&Poll> {
        match self {
            Self::Poll(poll) => Some(poll),
            _ => None,
        }
    }
}

/// What a response must be: every check, and one of the alternatives where there are any.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// Checks in the order they are decided.
    pub checks: Vec<Check>,
    /// What is expected of the stream that the answer is.
    pub stream: Option<StreamExpectation>,
    /// Named alternatives, the first that holds is taken.
    pub alternatives: Vec<Alternative>,
}

impl Expect {
    /// What is expected of streams, here and in alternatives.
    pub fn streams(&self) -> impl Iterator<Item = &StreamExpectation> {
        let alternatives = self.alternatives.iter().filter_map(|alternative| alternative.stream.as_ref());
        self.stream.iter().chain(alternatives)
    }

    /// The JSON Schemas that it names.
    pub fn schemas(&self) -> impl Iterator<Item = &str> {
        let alternatives = self.alternatives.iter().flat_map(|alternative| &alternative.checks);
        let checks = self.checks.iter().chain(alternatives).filter_map(Check::schema);
        checks.chain(self.streams().flat_map(StreamExpectation::schemas))
    }

    /// The kind of stream that the answer is, or may be. It is one for a whole step.
    pub fn stream_kind(&self) -> Option<&Arc<StreamKind>> {
        self.streams().map(|stream| &stream.of).next()
    }

    /// Whether every answer that is right is a stream.
    pub fn is_stream(&self) -> bool {
        let others = &self.alternatives;
        self.stream.is_some() || !others.is_empty() && others.iter().all(|other| other.stream.is_some())
    }
}

/// One of several allowed answers.
#[derive(Clone, Debug)]
pub struct Alternative {
    /// Its name in reports.
    pub name: Arc<str>,
    /// What it consists of.
    pub checks: Vec<Check>,
    /// What is expected of the stream that it is.
    pub stream: Option<StreamExpectation>,
}

/// A value kept under a name.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The name.
    pub name: Arc<str>,
    /// Where the value comes from.
    pub shape: CaptureShape,
    /// Whether it is a credential.
    pub secret: bool,
    /// Where it is written.
    pub location: Location,
}

/// Where a captured value comes from.
#[derive(Clone, Debug)]
pub enum CaptureShape {
    /// The one value that a path finds.
    Only(Path),
    /// The first of the values that a path finds.
    First(Path),
    /// The list of the values that a path finds.
    All(Path),
    /// A response header.
    Header(String),
}

/// What the gateway must have billed for a step.
#[derive(Clone, Debug)]
pub enum BillExpectation {
    /// No event.
    None {
        /// Where it is written.
        location: Location,
    },
    /// Exactly one event.
    One {
        /// The model that it bills.
        model: Option<Shape>,
        /// The usage that the client was told.
        usage: Option<Shape>,
        /// The role whose key it bills.
        role: Option<Arc<str>>,
        /// Where it is written.
        location: Location,
    },
}

impl BillExpectation {
    /// Where it is written.
    pub fn location(&self) -> &Location {
        match self {
            Self::None { location } | Self::One { location, .. } => location,
        }
    }
}

/// That a key's time of last use is later after a step than before it.
#[derive(Clone, Debug)]
pub struct KeyUsed {
    /// The requirement that it verifies.
    pub verifies: Option<Arc<str>>,
    /// Where it is written.
    pub location: Location,
}

/// What the gateway's log must say about one request.
#[derive(Clone, Debug)]
pub struct LogExpectation {
    /// The request's id.
    pub request_id: Template,
    /// The requirement that the presence of a line verifies.
    pub verifies: Option<Arc<str>>,
    /// Checks on the list of its lines.
    pub checks: Vec<Check>,
    /// Where it is written.
    pub location: Location,
}
