//! Gates: a streamed answer is withheld before each piece of its text until somebody lets it pass.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures::stream::{StreamExt, unfold};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::asked::Asked;
use super::call::Outcome;
use super::filter::Filter;
use super::provider_kind::ProviderKind;
use super::text;
use super::units::{Form, Units};

/// How many gates there may be at once.
const MOST_GATES: usize = 100;

/// There are too many gates to put up another.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {} gates already; take some away", MOST_GATES)]
pub(super) struct TooManyGates;

/// A gate. The first streamed answer that fits it meets it, and no other.
#[derive(Debug)]
pub(super) struct Gate {
    id: u64,
    filter: Filter,
    state: watch::Sender<GateState>,
}

/// What has come of a gate so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GateState {
    /// Whether an answer has met it.
    pub(super) met: bool,
    /// How many pieces of text were sent.
    pub(super) sent: u64,
    /// What the last of them says.
    pub(super) text: Option<String>,
    /// How the answer ended.
    pub(super) outcome: Outcome,
    /// How many pieces may be sent.
    through: u64,
    /// Whether all may.
    is_open: bool,
}

/// One world's gates.
#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<Standing>);

#[derive(Debug, Default)]
struct Standing {
    gates: Vec<Arc<Gate>>,
    last_id: u64,
}

impl Gates {
    /// Puts up a gate and gives its id.
    pub(super) fn put_up(&self, filter: Filter) -> Result<u64, TooManyGates> {
        let mut standing = self.0.lock();
        if standing.gates.len() >= MOST_GATES {
            return Err(TooManyGates);
        }
        standing.last_id += 1;
        let gate = Gate { id: standing.last_id, filter, state: watch::Sender::default() };
        standing.gates.push(Arc::new(gate));
        Ok(standing.last_id)
    }

    /// The gate with this id.
    pub(super) fn get(&self, id: u64) -> Option<Arc<Gate>> {
        self.0.lock().gates.iter().find(|gate| gate.id == id).cloned()
    }

    /// Opens a gate for good.
    pub(super) fn remove(&self, id: u64) -> bool {
        let mut standing = self.0.lock();
        let place = standing.gates.iter().position(|gate| gate.id == id);
        place.map(|place| standing.gates.remove(place).open()).is_some()
    }

    /// Opens every gate for good.
    pub(super) fn open_all(&self) {
        self.0.lock().gates.drain(..).for_each(|gate| gate.open());
    }

    /// The gate that a streamed answer to this call meets, if there is one: its passage.
    pub(super) fn meet(&self, asked: &Asked) -> Option<Passage> {
        let standing = self.0.lock();
        let fits = |gate: &&Arc<Gate>| !gate.state.borrow().met && gate.filter.fits(asked);
        let gate = Arc::clone(standing.gates.iter().find(fits)?);
        gate.state.send_modify(|state| state.met = true);
        Some(Passage { state: gate.state.subscribe(), gate, pieces: 0 })
    }
}

impl Gate {
    /// Lets pieces pass, up to this one.
    pub(super) fn release(&self, through: u64) {
        self.state.send_modify(|state| state.through = state.through.max(through));
    }

    fn open(&self) {
        self.state.send_modify(|state| state.is_open = true);
    }

    /// What has come of it, once more pieces than so many were sent, or the answer is over, or time is.
    pub(super) async fn state(&self, after: u64, patience: Duration) -> GateState {
        let mut changes = self.state.subscribe();
        let is_wanted = |state: &GateState| state.sent > after || state.outcome != Outcome::Open;
        // Out of time, it is as it is.
        let _ = timeout(patience, changes.wait_for(is_wanted)).await;
        self.state.borrow().clone()
    }
}

/// An answer on its way through a gate. Dropped before its end, its client has left.
pub(super) struct Passage {
    gate: Arc<Gate>,
    state: watch::Receiver<GateState>,
    pieces: u64,
}

impl Passage {
    /// Waits until one more piece of text may be sent, and notes that it is.
    async fn pass(&mut self, text: String) {
        self.pieces += 1;
        let number = self.pieces;
        // The gate is there as long as this.
        let _ = self.state.wait_for(|state| state.is_open || state.through >= number).await;
        self.gate.state.send_modify(|state| {
            state.sent = number;
            state.text = Some(text);
        });
    }

    /// Notes how the answer ended, once.
    fn end(&self, outcome: Outcome) {
        self.gate.state.send_modify(|state| {
            if state.outcome == Outcome::Open {
                state.outcome = outcome;
            }
        });
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.end(Outcome::Left);
    }
}

/// The parts of an answer, each piece of text only once its gate lets it pass. Other parts go with the text before
/// them.
pub(super) fn withheld(units: Units, passage: Passage, provider: ProviderKind, form: Form) -> Units {
    let gated = unfold((units, passage), move |(mut units, mut passage)| async move {
        let unit: Option<io::Result<Bytes>> = units.next().await;
        match &unit {
            None => passage.end(Outcome::Whole),
            Some(Err(_)) => passage.end(Outcome::Cut),
            Some(Ok(unit)) => {
                if let Some(text) = text::delta(provider, form, unit) {
                    passage.pass(text).await;
                }
            }
        }
        Some((unit?, (units, passage)))
    });
    gated.boxed()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::stream;

    use super::super::asked::testing::asked;
    use super::*;

    const EVENTS: [&str; 5] = [
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"two\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: [DONE]\n\n",
    ];

    fn units() -> Units {
        stream::iter(EVENTS.map(|event| Ok(Bytes::from_static(event.as_bytes())))).boxed()
    }

    fn met(gates: &Gates) -> Option<Passage> {
        gates.meet(&asked(ProviderKind::Openai, "/v1/chat/completions", "{}"))
    }

    fn gated(units: Units) -> (Arc<Gate>, Units) {
        let gates = Gates::default();
        let id = gates.put_up(Filter::default()).unwrap();
        let passage = met(&gates).unwrap();
        (gates.get(id).unwrap(), withheld(units, passage, ProviderKind::Openai, Form::Events))
    }

    /// How many parts come without anything being done.
    fn ready(units: &mut Units) -> usize {
        std::iter::from_fn(|| units.next().now_or_never().flatten()).count()
    }

    async fn state(gate: &Gate) -> GateState {
        gate.state(0, Duration::ZERO).await
    }

    #[tokio::test]
    async fn text_waits_and_the_rest_goes_with_the_text_before_it() {
        let (gate, mut units) = gated(units());
        assert_eq!(ready(&mut units), 1);
        assert_eq!(state(&gate).await, GateState { met: true, ..GateState::default() });
        gate.release(1);
        assert_eq!(ready(&mut units), 1);
        let one = state(&gate).await;
        assert_eq!((one.sent, one.text.as_deref(), one.outcome), (1, Some("one"), Outcome::Open));
        gate.release(2);
        assert_eq!(ready(&mut units), 3);
        let two = state(&gate).await;
        assert_eq!((two.sent, two.text.as_deref(), two.outcome), (2, Some("two"), Outcome::Whole));
        drop(units);
        assert_eq!(state(&gate).await, two);
    }

    #[tokio::test]
    async fn an_answer_that_is_dropped_or_cut_says_so() {
        let (gate, mut units) = gated(units());
        ready(&mut units);
        drop(units);
        assert_eq!(state(&gate).await.outcome, Outcome::Left);
        let broken = stream::iter([Err(io::Error::other("gone"))]).boxed();
        let (gate, mut units) = gated(broken);
        ready(&mut units);
        drop(units);
        assert_eq!(state(&gate).await.outcome, Outcome::Cut);
    }

    #[tokio::test]
    async fn a_gate_is_met_once_and_opens_when_it_is_taken_away() {
        let gates = Gates::default();
        let id = gates.put_up(Filter::default()).unwrap();
        let passage = met(&gates).unwrap();
        assert!(met(&gates).is_none());
        let mut units = withheld(units(), passage, ProviderKind::Openai, Form::Events);
        assert_eq!(ready(&mut units), 1);
        assert!(gates.remove(id) && !gates.remove(id) && gates.get(id).is_none());
        assert_eq!(ready(&mut units), EVENTS.len() - 1);
    }

    #[tokio::test]
    async fn whoever_waits_for_a_piece_is_told() {
        let (gate, mut units) = gated(units());
        ready(&mut units);
        let waiting = {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.state(1, Duration::from_mins(1)).await })
        };
        gate.release(2);
        ready(&mut units);
        assert_eq!(waiting.await.unwrap().sent, 2);
    }
}
