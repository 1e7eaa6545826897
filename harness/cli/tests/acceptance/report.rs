//! What is printed: by default of scenarios that failed alone.

use std::{io, mem};

use cucumber::event::{Cucumber, Feature, Hook, Rule, Scenario, Step};
use cucumber::writer::{self, Arbitrary, Basic, Coloring, NonTransforming, Verbosity};
use cucumber::{Event, Writer, parser};

use crate::world::World;

/// Cucumber's own report, which gets to see a scenario once it is over. Its events come one scenario after another.
#[derive(Debug)]
pub(crate) struct Report {
    inner: Basic,
    /// Whether it gets to see those that passed as well.
    whole: bool,
    /// What has happened in the scenario at hand.
    held: Vec<Event<Cucumber<World>>>,
    has_failed: bool,
}

impl Report {
    pub(crate) fn new(whole: bool) -> Self {
        let inner = Basic::raw(io::stdout(), Coloring::Auto, Verbosity::Default);
        Self { inner, whole, held: Vec::new(), has_failed: false }
    }
}

impl Writer<World> for Report {
    type Cli = writer::basic::Cli;

    async fn handle_event(&mut self, event: parser::Result<Event<Cucumber<World>>>, cli: &Self::Cli) {
        let event = match event {
            Ok(event) if !self.whole => event,
            other => return self.inner.handle_event(other, cli).await,
        };
        let Some(happened) = of_scenario(&event) else {
            return self.inner.handle_event(Ok(event), cli).await;
        };
        self.has_failed |= is_failure(happened);
        let is_over = matches!(happened, Scenario::Finished);
        self.held.push(event);
        if is_over {
            let held = mem::take(&mut self.held);
            if mem::take(&mut self.has_failed) {
                for event in held {
                    self.inner.handle_event(Ok(event), cli).await;
                }
            }
        }
    }
}

/// For the summary at the end.
impl Arbitrary<World, String> for Report {
    async fn write(&mut self, text: String) {
        Arbitrary::<World, String>::write(&mut self.inner, text).await;
    }
}

impl NonTransforming for Report {}

fn of_scenario(event: &Cucumber<World>) -> Option<&Scenario<World>> {
    let Cucumber::Feature(_, feature) = event else { return None };
    match feature {
        Feature::Scenario(_, scenario) | Feature::Rule(_, Rule::Scenario(_, scenario)) => {
            Some(&scenario.event)
        }
        _ => None,
    }
}

fn is_failure(event: &Scenario<World>) -> bool {
    matches!(
        event,
        Scenario::Background(_, Step::Failed(..))
            | Scenario::Step(_, Step::Failed(..))
            | Scenario::Hook(_, Hook::Failed(..))
    )
}
