//! The log of calls that a gateway shows to those who run it: who was asked, what it took and what it cost. Neither
//! questions nor answers stand in it.

use std::sync::Arc;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::clock::Moment;
use super::inference::Usage;
use super::ledger::WorldNumber;
use crate::store::{Store, StoreError};

/// No more of a text is kept, in bytes: most of them are a caller's.
const KEPT: usize = 512;

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallStatus {
    Success,
    Error,
}

impl CallStatus {
    /// The word for it, on the wire and in the state.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
        }
    }

    /// Reads a word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Success, Self::Error].into_iter().find(|status| status.name() == name)
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallRecord {
    pub(crate) id: Uuid,
    /// When it came in.
    pub(crate) at: Moment,
    /// Who has served it, or was to.
    pub(crate) provider: Option<Arc<str>>,
    pub(crate) model: Arc<str>,
    /// What kind of answer it is: `chat.completion`, `embedding`, ….
    pub(crate) object: Arc<str>,
    pub(crate) status: CallStatus,
    pub(crate) status_code: Option<u16>,
    pub(crate) latency_ms: u64,
    pub(crate) usage: Usage,
    /// US dollars.
    pub(crate) cost: Decimal,
    /// Id and name of the provider's key.
    pub(crate) key: Option<(Arc<str>, Arc<str>)>,
    /// Id and name of the caller's virtual key.
    pub(crate) virtual_key: Option<(Uuid, Arc<str>)>,
    /// The routing rule that chose the target.
    pub(crate) rule: Option<Uuid>,
    pub(crate) attempts: u32,
    /// How it has failed. What was asked is not quoted.
    pub(crate) error: Option<Box<str>>,
}

impl CallRecord {
    /// The same with no text that is longer than is kept.
    pub(crate) fn brief(self) -> Self {
        let short = |text: Arc<str>| if text.len() > KEPT { Arc::from(brief(&text)) } else { text };
        Self {
            provider: self.provider.map(short),
            model: short(self.model),
            key: self.key.map(|(id, name)| (short(id), short(name))),
            virtual_key: self.virtual_key.map(|(id, name)| (id, short(name))),
            error: self.error.map(|error| if error.len() > KEPT { Box::from(brief(&error)) } else { error }),
            ..self
        }
    }
}

/// So much of a text as is kept.
pub(crate) fn brief(text: &str) -> &str {
    text.get(..text.floor_char_boundary(KEPT)).unwrap_or(text)
}

/// What calls are put in order by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Time,
    Latency,
    Tokens,
    Cost,
}

/// Which calls to read. An empty list, and a bound that is not there, leave everything in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallQuery {
    pub(crate) providers: Vec<String>,
    pub(crate) models: Vec<String>,
    pub(crate) status: Vec<CallStatus>,
    pub(crate) objects: Vec<String>,
    /// Ids of providers' keys.
    pub(crate) key_ids: Vec<String>,
    pub(crate) virtual_keys: Vec<Uuid>,
    pub(crate) from: Option<Moment>,
    pub(crate) to: Option<Moment>,
    /// Least and most milliseconds.
    pub(crate) latency: (Option<u64>, Option<u64>),
    /// Least and most tokens, of question and answer together.
    pub(crate) tokens: (Option<u64>, Option<u64>),
    /// Least and most US dollars.
    pub(crate) cost: (Option<Decimal>, Option<Decimal>),
    pub(crate) limit: u64,
    pub(crate) offset: u64,
    pub(crate) sort: Sort,
    pub(crate) descending: bool,
}

/// Some of the calls that a query finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallPage {
    pub(crate) records: Vec<CallRecord>,
    /// How many there are on all pages.
    pub(crate) total: u64,
}

/// What the calls that a query finds come to, on all pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallStats {
    pub(crate) total: u64,
    pub(crate) successes: u64,
    pub(crate) tokens: u64,
    /// US dollars, to the last digit.
    pub(crate) cost: Decimal,
    pub(crate) latency_sum_ms: u64,
}

/// One world's calls. They are written with what they cost, by the ledger.
#[derive(Debug)]
pub(crate) struct CallLog {
    store: Arc<Store>,
    world: WorldNumber,
}

impl CallLog {
    /// The calls of a world.
    pub(crate) fn new(store: Arc<Store>, world: WorldNumber) -> Self {
        Self { store, world }
    }

    /// A page of what a query finds.
    pub(crate) async fn page(&self, query: CallQuery) -> Result<CallPage, StoreError> {
        self.store.calls(self.world, query).await
    }

    /// What all that a query finds comes to.
    pub(crate) async fn stats(&self, query: CallQuery) -> Result<CallStats, StoreError> {
        self.store.call_stats(self.world, query).await
    }

    /// The call with this id.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<CallRecord>, StoreError> {
        self.store.call(self.world, id.to_owned()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_back() {
        for status in [CallStatus::Success, CallStatus::Error] {
            assert_eq!(CallStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(CallStatus::from_name("processing"), None);
    }

    #[test]
    fn of_no_text_is_more_kept_than_its_beginning() {
        let (long, id) = ("ä".repeat(KEPT), Uuid::from_u128(1));
        let record = |text: &str| CallRecord {
            id,
            at: Moment::from_micros(0),
            provider: Some(text.into()),
            model: text.into(),
            object: "list".into(),
            status: CallStatus::Error,
            status_code: None,
            latency_ms: 0,
            usage: Usage::default(),
            cost: Decimal::ZERO,
            key: Some((text.into(), text.into())),
            virtual_key: Some((id, text.into())),
            rule: None,
            attempts: 0,
            error: Some(text.into()),
        };
        assert_eq!(record(&format!("a{long}")).brief(), record(&format!("a{}", "ä".repeat(KEPT / 2 - 1))));
        assert_eq!(record("short").brief(), record("short"));
    }
}
