//! A world of the simulator: every provider, for one test alone.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::call::Line;
use super::credentials::Credentials;
use super::gate::Gates;
use super::journal::Journal;
use super::provider_kind::ProviderKind;
use super::rules::FaultRules;
use crate::domain::clock::Clock;
use crate::domain::closing::Closing;
use crate::domain::ledger::WorldNumber;
use crate::domain::log_writer::LogWriter;
use crate::domain::world::{Commons, ROOT_ID, World};

/// How many worlds of the domain there are in one of these.
pub(super) const PROVIDERS: WorldNumber = 5;

/// What every world of the simulator has in common.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) commons: Commons,
    pub(super) credentials: &'static Credentials,
    /// Where calls that have ended are written to.
    pub(super) file: Option<Arc<LogWriter<Line>>>,
    /// Whether the simulator breaks off whatever is still under way.
    pub(super) closing: Closing,
}

/// A world. Each provider in it is a world of the domain, with keys of its own, so that none takes another's.
pub(super) struct UpstreamWorld {
    pub(super) id: Arc<str>,
    /// Ascending in the order of making, in steps of [`PROVIDERS`].
    pub(super) number: WorldNumber,
    pub(super) journal: Journal,
    pub(super) faults: FaultRules,
    pub(super) gates: Gates,
    /// The time of all its providers.
    pub(super) clock: Arc<Clock>,
    made: Instant,
    stage: Stage,
    /// Each is made when it is first called.
    openai: OnceLock<Arc<World>>,
    anthropic: OnceLock<Arc<World>>,
    gemini: OnceLock<Arc<World>>,
    bedrock: OnceLock<Arc<World>>,
    vertex: OnceLock<Arc<World>>,
}

impl UpstreamWorld {
    /// A world in which nothing has happened.
    pub(super) fn new(id: Arc<str>, number: WorldNumber, stage: Stage) -> Self {
        Self {
            journal: Journal::new(Arc::clone(&id), stage.file.clone()),
            id,
            number,
            faults: FaultRules::default(),
            gates: Gates::default(),
            clock: Arc::default(),
            made: Instant::now(),
            stage,
            openai: OnceLock::new(),
            anthropic: OnceLock::new(),
            gemini: OnceLock::new(),
            bedrock: OnceLock::new(),
            vertex: OnceLock::new(),
        }
    }

    /// Whether it is the world that is there from the start.
    pub(super) fn is_root(&self) -> bool {
        &*self.id == ROOT_ID
    }

    /// What stands before a provider's prefix to reach this world.
    pub(super) fn base_path(&self) -> String {
        if self.is_root() { String::new() } else { format!("/~w/{}", self.id) }
    }

    /// Whether the simulator breaks off whatever is still under way.
    pub(super) fn is_closing(&self) -> bool {
        self.stage.closing.has_begun()
    }

    /// Microseconds since it was made.
    pub(super) fn age_us(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// What one provider has in this world.
    pub(super) fn provider(&self, provider: ProviderKind) -> &Arc<World> {
        let (world, place) = match provider {
            ProviderKind::Openai => (&self.openai, 0),
            ProviderKind::Anthropic => (&self.anthropic, 1),
            ProviderKind::Gemini => (&self.gemini, 2),
            ProviderKind::Bedrock => (&self.bedrock, 3),
            ProviderKind::Vertex => (&self.vertex, 4),
        };
        world.get_or_init(|| {
            let number = self.number + place;
            let mut world = World::new(Arc::clone(&self.id), number, &self.stage.commons, false);
            world.clock = Arc::clone(&self.clock);
            for key in self.stage.credentials.keys(provider, world.clock.now()) {
                world.keys.add(key);
            }
            if provider == ProviderKind::Bedrock {
                world.access_key = Some(self.stage.credentials.bedrock.access_key());
            }
            Arc::new(world)
        })
    }
}

#[cfg(test)]
pub(super) mod testing {
    use std::time::Duration;

    use super::super::call::Outcome;
    use super::super::journal::Wanted;
    use super::super::recorder::Recorder;
    use super::*;
    use crate::domain::catalog::Catalog;
    use crate::store::{First, Place, Store};

    /// What worlds have in common, in memory.
    pub(in super::super) fn stage() -> Stage {
        let first = First { keys: &[], documents: &[] };
        let (store, _) = Store::open(&Place::Memory, false, first).unwrap();
        let provider = Arc::new(Recorder::of(Arc::default()));
        let commons = Commons::new(Catalog::of_providers().unwrap(), provider, store);
        let credentials = Credentials::embedded().unwrap();
        Stage { commons, credentials, file: None, closing: Closing::default() }
    }

    /// A fresh world.
    pub(in super::super) fn world() -> Arc<UpstreamWorld> {
        Arc::new(UpstreamWorld::new("test".into(), PROVIDERS, stage()))
    }

    impl UpstreamWorld {
        /// Breaks off whatever is still under way.
        pub(in super::super) fn close(&self) {
            self.stage.closing.begin();
        }

        /// How its calls have ended.
        pub(in super::super) async fn outcomes(&self) -> Vec<Outcome> {
            let wanted = Wanted { limit: usize::MAX, even_open: true, ..Wanted::default() };
            let (calls, _) = self.journal.calls(&wanted, Duration::ZERO).await;
            calls.iter().map(|call| call.progress.outcome).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::world;
    use super::*;
    use crate::domain::authorization::{Credential, Denial, authenticate};

    #[test]
    fn a_provider_takes_its_own_credentials_and_no_others() {
        let world = world();
        let denied = |provider, secret: &[u8]| {
            authenticate(world.provider(provider), Credential::Secret(secret)).err()
        };
        assert_eq!(denied(ProviderKind::Openai, b"sk-upstream-openai"), None);
        assert_eq!(denied(ProviderKind::Anthropic, b"sk-upstream-openai"), Some(Denial::Unknown));
        assert_eq!(denied(ProviderKind::Anthropic, b"sk-ant-upstream"), None);
        assert_eq!(denied(ProviderKind::Bedrock, b"AKIAPLUMBLINEUPSTREAM"), None);
        assert_eq!(denied(ProviderKind::Vertex, b"upstream-gemini-key"), Some(Denial::Unknown));
    }

    #[test]
    fn the_providers_of_a_world_have_one_clock() {
        let (world, other) = (world(), world());
        let now = |world: &UpstreamWorld, provider| world.provider(provider).clock.now().as_seconds();
        let before = now(&world, ProviderKind::Vertex);
        world.clock.advance(3_600_000_000);
        for provider in ProviderKind::ALL {
            assert!(now(&world, provider) >= before + 3_600, "{provider}");
            assert!(now(&other, provider) < before + 3_600, "{provider}");
        }
    }

    #[test]
    fn every_provider_has_a_number_of_its_own() {
        let world = world();
        let mut numbers = ProviderKind::ALL.map(|provider| world.provider(provider).number).to_vec();
        numbers.dedup();
        assert_eq!(numbers, [5, 6, 7, 8, 9]);
        assert_eq!(world.base_path(), "/~w/test");
    }
}
