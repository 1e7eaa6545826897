//! Runs scenarios of a small contract, and reads what came of them.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plumbline_harness::check::Schemas;
use plumbline_harness::engine::{Cancel, Client, Plan, Settings, Sink, run};
use plumbline_harness::scenario::{Selector, Templates};
use plumbline_harness::source::{Files, Mistake, SourceFile, Suite, load};
use plumbline_harness::target::{Environment, Target, TargetError, read};
use plumbline_record::{Case, Event, Exchange, RunFinished, ScenarioFinished, Verdict};

/// The contract `demo`.
pub(crate) const CONTRACT: &str = include_str!("demo/contract.yaml");

/// The dialects of the contract `demo`.
const DIALECTS: [(&str, &str); 2] = [
    ("demo/dialects/flat.yaml", include_str!("demo/dialects/flat.yaml")),
    ("demo/dialects/nested.yaml", include_str!("demo/dialects/nested.yaml")),
];

/// The file that [`Setup`] reads its scenarios as.
pub(crate) const FILE: &str = "demo/scenarios.yaml";

/// What that file begins with; the first scenario stands on its third line.
const HEADING: &str = "contract: demo\nscenarios:";

/// The credential of the role `user`.
pub(crate) const USER_KEY: &str = "sk-user-0123456789";

/// A gateway of which nothing can be seen but its answers.
pub(crate) const TARGET: &str = "
name: demo gateway
models: { chat: { id: model-a } }
roles: { user: { env: USER_KEY }, guest: { env: GUEST_KEY } }
";

/// The JSON Schema `demo/chat`.
const CHAT_SCHEMA: &str = r#"{ "required": ["model"], "properties": { "model": { "type": "string" } } }"#;

/// A run that has not ended by then hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// Templates without fixtures.
pub(crate) fn templates() -> Templates {
    Templates::new(Arc::new(|_: &str| None::<Vec<u8>>))
}

/// Reads files beside the contract.
pub(crate) fn read_files(files: &[(&str, &str)]) -> (Suite, Vec<Mistake>) {
    let own = [("demo/contract.yaml", CONTRACT)].into_iter().chain(DIALECTS);
    // A file that is given goes before one of the same name.
    let own = own.filter(|(name, _)| files.iter().all(|(other, _)| other != name));
    let all = own.chain(files.iter().copied());
    load(Files::in_memory(all), &["demo/chat"], templates())
}

/// A suite without mistakes.
pub(crate) fn suite(scenarios: &str) -> Suite {
    let text = format!("{HEADING}{scenarios}");
    let (suite, mistakes) = read_files(&[(FILE, text.as_str())]);
    let told: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{told:#?}");
    suite
}

/// One scenario `ONE` of one step `one`, which expects this.
pub(crate) fn one_step(expect: &str) -> String {
    format!(
        "
  - id: ONE
    title: One step
    steps:
      - name: one
        call: GET /
        as: user
        expect: {expect}
"
    )
}

/// The credentials of the roles.
pub(crate) fn environment() -> Environment {
    Environment::default().with("USER_KEY", USER_KEY).with("GUEST_KEY", "sk-guest-0123456789")
}

/// Reads a descriptor.
pub(crate) fn read_target(text: &str, url: &str, environment: &Environment) -> Result<Target, TargetError> {
    let file = Arc::new(SourceFile { name: "target.yaml".into(), text: text.into() });
    read(&file, Some(url), environment, templates())
}

/// What is run, against what, and how.
pub(crate) struct Setup<'t> {
    pub(crate) url: &'t str,
    pub(crate) scenarios: &'t str,
    pub(crate) target: &'t str,
    pub(crate) environment: Environment,
    pub(crate) settings: Settings,
    pub(crate) cancel: Cancel,
}

impl<'t> Setup<'t> {
    /// One scenario at a time, on [`TARGET`].
    pub(crate) fn new(url: &'t str, scenarios: &'t str) -> Self {
        Self {
            url,
            scenarios,
            target: TARGET,
            environment: environment(),
            settings: settings(),
            cancel: Cancel::default(),
        }
    }

    /// Runs to the end, whose event is there whatever happened.
    pub(crate) async fn run(self) -> Events {
        let target = read_target(self.target, self.url, &self.environment).unwrap();
        let client = Client::new(&target.url).unwrap();
        let schemas = Schemas::new([("demo/chat", CHAT_SCHEMA)]).unwrap();
        let selector = Selector::default();
        let plan = Plan::new(suite(self.scenarios), schemas, target, &selector, self.settings);
        let collector = Arc::new(Collector::default());
        let sink: Arc<dyn Sink> = collector.clone();
        let running = run(Arc::new(plan), client, sink, self.cancel);
        let finished = tokio::time::timeout(PATIENCE, running).await.expect("a run ends by itself");
        let events = mem::take(&mut *collector.0.lock());
        assert!(matches!(events.first(), Some(Event::RunStarted(_))), "{events:#?}");
        assert_eq!(events.last(), Some(&Event::RunFinished(finished)));
        Events(events)
    }
}

/// One scenario at a time, in order, once.
pub(crate) fn settings() -> Settings {
    Settings {
        jobs: 1,
        retries: 0,
        seed: None,
        fail_fast: false,
        step_timeout: None,
        version: "test".to_owned(),
    }
}

#[derive(Default)]
struct Collector(Mutex<Vec<Event>>);

impl Sink for Collector {
    fn event(&self, event: Event) {
        self.0.lock().push(event);
    }
}

/// What happened in a run.
pub(crate) struct Events(pub(crate) Vec<Event>);

impl Events {
    /// The attempts that ended, in order.
    pub(crate) fn attempts(&self) -> Vec<&ScenarioFinished> {
        self.0
            .iter()
            .filter_map(|event| match event {
                Event::ScenarioFinished(finished) => Some(&**finished),
                _ => None,
            })
            .collect()
    }

    /// The cases of last attempts.
    pub(crate) fn cases(&self) -> Vec<&Case> {
        let last = self.attempts().into_iter().filter(|attempt| attempt.last);
        last.flat_map(|attempt| &attempt.cases).collect()
    }

    /// A case by its name.
    pub(crate) fn case(&self, name: &str) -> &Case {
        let named = self.cases().into_iter().find(|case| case.name == name);
        named.unwrap_or_else(|| panic!("there is no case {name}"))
    }

    /// The verdict of a case, and why.
    pub(crate) fn verdict(&self, name: &str) -> (Verdict, &str) {
        let case = self.case(name);
        (case.verdict, case.reason.as_deref().unwrap_or_default())
    }

    /// The same, of a run of which nothing else is looked at.
    pub(crate) fn verdict_of(self, name: &str) -> (Verdict, String) {
        let (verdict, reason) = self.verdict(name);
        (verdict, reason.to_owned())
    }

    /// The exchanges, in order.
    pub(crate) fn exchanges(&self) -> Vec<&Exchange> {
        self.0
            .iter()
            .filter_map(|event| match event {
                Event::Exchange(exchange) => Some(&**exchange),
                _ => None,
            })
            .collect()
    }

    /// How the run ended.
    pub(crate) fn finished(&self) -> &RunFinished {
        match self.0.last() {
            Some(Event::RunFinished(finished)) => finished,
            other => panic!("the last event is {other:?}"),
        }
    }

    /// The record as it would be written.
    pub(crate) fn written(&self) -> String {
        self.0.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect()
    }
}

/// The requirements that a case missed, in order.
pub(crate) fn missed(case: &Case) -> Vec<&str> {
    case.misses.iter().map(|miss| miss.requirement.as_deref().unwrap_or_default()).collect()
}
