//! What a call carries through the gateway once it is let in, and leaves behind exactly once: when it is answered or
//! has failed, or else when nobody holds it any more.

use std::sync::Arc;

use parking_lot::Mutex;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::caller::Caller;
use super::entering::Entered;
use super::itinerary::Leg;
use super::meter::Flaws;
use super::meters::Check;
use super::request_type::RequestType;
use super::settlement::{Counted, SeatRow, Settlement};
use crate::defect::Defect;
use crate::domain::call::Call;
use crate::domain::call_log::{CallRecord, CallStatus, brief};
use crate::domain::clock::Moment;
use crate::domain::inference::Usage;
use crate::domain::ledger::Charge;
use crate::domain::routing::RoutedModel;
use crate::domain::world::World;
use crate::store::{Settling, StoreError};

/// Of the chance in a call's routes, which have none: each leg has a place of its own.
const NO_CHANCE: u64 = 0;

/// How a call ends of which nothing else is noted, as in the log of requests.
const LEFT: (u16, &str) = (499, "the caller left before there was an answer");

/// A call that is let in.
pub(crate) struct Governed {
    /// That of its request.
    id: Uuid,
    world: Arc<World>,
    pub(crate) caller: Caller,
    pub(crate) request_type: RequestType,
    requested: (Arc<str>, Arc<str>),
    first: Leg,
    fallbacks: Vec<Leg>,
    routed: RoutedModel,
    pub(crate) rule: Option<Uuid>,
    started: Moment,
    counts_late: bool,
    is_free: bool,
    flaws: Flaws,
    tab: Mutex<Tab>,
}

/// What was used of a leg of a call, by its place. A call of several prompts can be answered by several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) leg: usize,
    pub(crate) usage: Usage,
}

/// What is still to be left behind.
struct Tab {
    open: Option<Open>,
    /// Where it is left.
    settling: Option<Settling>,
    /// How it fails if it ends now; nothing where there is an answer.
    failure: Option<(u16, Box<str>)>,
    /// What a broken gateway tells of it in the log of calls.
    question: Option<Box<str>>,
}

struct Open {
    seat: Option<SeatRow>,
    counted: Vec<Counted>,
    /// What it counts on beside the meters of its first leg, since it has gone on to others.
    further: Vec<Uuid>,
}

impl Governed {
    /// A call that has entered, and what is kept for what comes of it.
    pub(super) fn new(
        entered: Entered,
        settling: Settling,
        world: Arc<World>,
        caller: Caller,
        request_type: RequestType,
    ) -> Self {
        let Entered {
            id,
            requested,
            first,
            fallbacks,
            rule,
            seat,
            counted,
            counts_late,
            is_free,
            started,
            flaws,
        } = entered;
        let legs: Vec<_> = std::iter::once(&first).chain(&fallbacks).cloned().collect();
        // What asks nobody leaves nothing behind.
        let open = request_type.asks_provider().then_some(Open { seat, counted, further: Vec::new() });
        let failure = Some((LEFT.0, LEFT.1.into()));
        Self {
            id,
            world,
            caller,
            request_type,
            requested,
            routed: RoutedModel::of_legs(&legs, NO_CHANCE),
            first,
            fallbacks,
            rule,
            started,
            counts_late,
            is_free,
            flaws,
            tab: Mutex::new(Tab { open, settling: Some(settling), failure, question: None }),
        }
    }

    /// The routes of its legs, in their order.
    pub(crate) fn routed(&self) -> &RoutedModel {
        &self.routed
    }

    /// Where it goes first.
    pub(crate) fn primary(&self) -> &Leg {
        &self.first
    }

    /// The leg at a place; the first where there is none.
    pub(crate) fn leg(&self, place: usize) -> &Leg {
        let fallback = place.checked_sub(1).and_then(|place| self.fallbacks.get(place));
        fallback.unwrap_or(&self.first)
    }

    /// Provider and model as they were asked for; a model that named no provider with the one that was found for it.
    pub(crate) fn requested(&self) -> (&str, &str) {
        (&self.requested.0, &self.requested.1)
    }

    /// The name under which a leg is billed.
    pub(crate) fn billed_name(&self, place: usize) -> Arc<str> {
        let leg = self.leg(place);
        format!("{}/{}", leg.provider, leg.model.id()).into()
    }

    /// Counts the call on whatever a leg counts on that none before it has, now that it is to be asked. Where anything
    /// of that is used up nothing is counted, and the leg is to be passed over.
    pub(crate) fn admit(&self, place: usize) -> bool {
        // The first was admitted when the call was let in.
        if place == 0 {
            return true;
        }
        let mut tab = self.tab.lock();
        let Some(open) = &mut tab.open else { return true };
        let first = &self.first.checks;
        let is_new = |check: &&Check| {
            !open.further.contains(&check.meter) && first.iter().all(|other| other.meter != check.meter)
        };
        let checks: Vec<_> = self.leg(place).checks.iter().filter(is_new).copied().collect();
        let (meters, now) = (&self.world.governance.meters, self.world.clock.now());
        let admitted = if self.counts_late {
            meters.exceeded(&checks, now, self.flaws).map_or(Ok(Vec::new()), Err)
        } else {
            meters.admit(&checks, now, self.flaws)
        };
        let Ok(counted) = admitted else { return false };
        open.counted.extend(counted);
        open.further.extend(checks.iter().map(|check| check.meter));
        true
    }

    /// What so much of a leg costs, where the gateway is sound.
    fn cost(&self, used: Used) -> Decimal {
        let cost = self.leg(used.leg).model.price.cost(used.usage);
        if self.world.defects.has(Defect::CostsTenfold) { cost.saturating_mul(Decimal::TEN) } else { cost }
    }

    /// What the log of calls tells of it once legs have answered: of whom the first was, and of what all have used.
    pub(crate) fn record(&self, call: &Call, used: &[Used]) -> CallRecord {
        let place = used.first().map_or(0, |used| used.leg);
        CallRecord {
            status: CallStatus::Success,
            status_code: Some(200),
            usage: used.iter().map(|used| used.usage).sum(),
            cost: used.iter().fold(Decimal::ZERO, |sum, used| sum.saturating_add(self.cost(*used))),
            attempts: call.context.service.attempts(),
            ..self.unanswered(place)
        }
    }

    /// Notes how it has failed, which is told when it ends without an answer of a leg.
    pub(crate) fn note_failure(&self, status: u16, message: &str) {
        self.tab.lock().failure = Some((status, brief(message).into()));
    }

    /// Notes what was asked, which a sound gateway does not.
    pub(crate) fn note_question(&self, question: &str) {
        self.tab.lock().question = Some(brief(question).into());
    }

    /// Notes that there is an answer, whoever has given it: one from memory costs nothing and is no failure.
    pub(crate) fn note_success(&self) {
        self.tab.lock().failure = None;
    }

    /// Counts what the legs that have answered have used. Gives what the store is to write; nothing the second time.
    pub(crate) fn answered(
        &self,
        used: &[Used],
        charges: Vec<Charge>,
        call: CallRecord,
        now: Moment,
    ) -> Option<Settlement> {
        let open = self.tab.lock().open.take()?;
        let mut settlement = self.closed(open, now, call);
        settlement.charges = charges;
        for one in used {
            let ids: Vec<_> = self.leg(one.leg).checks.iter().map(|check| check.meter).collect();
            let Usage { input_tokens, output_tokens, .. } = one.usage;
            let (tokens, cost) = if self.is_free {
                (0, Decimal::ZERO)
            } else {
                (input_tokens.saturating_add(output_tokens), self.cost(*one))
            };
            let (spent, counted) = self.world.governance.meters.charge(&ids, tokens, cost, now, self.flaws);
            settlement.spent.extend(spent);
            settlement.counted.extend(counted);
        }
        Some(settlement)
    }

    /// Writes what it leaves behind. In a durable store it is on disk when this returns.
    pub(crate) async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        let kept = self.tab.lock().settling.take();
        let settling = match kept {
            Some(settling) => settling,
            None => self.world.ledger.settling().await,
        };
        settling.settle(settlement).await
    }

    /// Ends it, if no leg has answered, and writes what it leaves behind. In a durable store it is on disk when this
    /// returns.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        match self.left() {
            Some(settlement) => self.settle(settlement).await,
            None => Ok(()),
        }
    }

    /// What is left of a call that no leg has answered: it was counted, and cost nothing. Nothing the second time.
    fn left(&self) -> Option<Settlement> {
        let (open, failure) = {
            let mut tab = self.tab.lock();
            (tab.open.take()?, tab.failure.take())
        };
        let mut record = self.unanswered(0);
        if let Some((status, message)) = failure {
            record.status = CallStatus::Error;
            record.status_code = Some(status);
            record.error = Some(message);
        }
        Some(self.closed(open, self.world.clock.now(), record))
    }

    /// What a call leaves behind whatever becomes of it.
    fn closed(&self, open: Open, now: Moment, mut call: CallRecord) -> Settlement {
        call.error = self.tab.lock().question.take().or(call.error);
        let Open { seat, mut counted, further } = open;
        if self.counts_late {
            let late = self.first.checks.iter().map(|check| check.meter).chain(further);
            counted.extend(self.world.governance.meters.count(late, now, self.flaws));
        }
        Settlement { counted, seat, call: Some(Box::new(call.brief())), ..Settlement::default() }
    }

    /// What the log of calls tells of it so far.
    fn unanswered(&self, place: usize) -> CallRecord {
        let leg = self.leg(place);
        let virtual_key = self.caller.virtual_key.as_ref();
        let micros = self.world.clock.now().as_micros().saturating_sub(self.started.as_micros());
        CallRecord {
            id: self.id,
            at: self.started,
            provider: Some(Arc::clone(&leg.provider)),
            model: Arc::clone(leg.model.id()),
            object: self.request_type.object().into(),
            status: CallStatus::Success,
            status_code: None,
            latency_ms: u64::try_from(micros / 1_000).unwrap_or(0),
            usage: Usage::default(),
            cost: Decimal::ZERO,
            key: Some((Arc::clone(&leg.key.id), Arc::clone(&leg.key.name))),
            virtual_key: virtual_key.map(|key| (key.id, key.name.as_str().into())),
            rule: self.rule,
            attempts: 0,
            error: None,
        }
    }
}

impl Drop for Governed {
    /// Whoever has left waits for nothing.
    fn drop(&mut self) {
        let Some(settlement) = self.left() else { return };
        if let Some(settling) = self.tab.get_mut().settling.take() {
            settling.settle_now(settlement);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::meter::Told;
    use super::super::testing::Tested;
    use super::super::{BudgetForm, LimitForm, Patch, VirtualKeyForm};
    use super::*;
    use crate::domain::call_log::CallQuery;

    const USAGE: Usage = Usage::of(11, 7);

    /// A virtual key with a budget and a limit, and what is used of both.
    async fn limited(tested: &Tested) -> (String, impl Fn() -> (Decimal, u64, u64)) {
        let (request_max, token_max) = (Some(9), Some(1_000));
        let (request_reset, token_reset) = (Some("1h".to_owned()), Some("1h".to_owned()));
        let limit = LimitForm { token_max, token_reset, request_max, request_reset };
        let max_limit = Decimal::ONE;
        let budget = BudgetForm { max_limit, reset_duration: "1h".into(), calendar_aligned: false };
        let form = VirtualKeyForm {
            budget: Patch::Set(budget),
            rate_limit: Patch::Set(limit),
            ..VirtualKeyForm::default()
        };
        let (id, value) = tested.key("mine", form).await;
        let world = Arc::clone(&tested.world);
        let used = move || {
            let (book, now) = (world.governance.book(), world.clock.now());
            let key = book.virtual_keys.get(id.parse().unwrap()).unwrap();
            let told = |id: Option<Uuid>| world.governance.usage(id.unwrap(), now);
            let Some(Told::Budget { used, .. }) = told(key.budget) else { panic!() };
            let Some(Told::Limit { requests, tokens }) = told(key.rate_limit) else { panic!() };
            (used, requests.unwrap().0, tokens.unwrap().0)
        };
        (value, used)
    }

    async fn logged(tested: &Tested) -> Vec<CallRecord> {
        let query = CallQuery { limit: 10, ..CallQuery::default() };
        tested.world.calls.page(query).await.unwrap().records
    }

    #[tokio::test]
    async fn what_is_used_is_counted_once() {
        let tested = Tested::new(None);
        let (value, used) = limited(&tested).await;
        let governed = tested.enter(&[("x-bf-vk", &value)], "openai/gpt-4o").unwrap();
        assert_eq!(used(), (Decimal::ZERO, 1, 0));
        let cost = governed.primary().model.price.cost(USAGE);
        let now = tested.world.clock.now();
        let (record, all) = (governed.unanswered(0), [Used { leg: 0, usage: USAGE }]);
        let settlement = governed.answered(&all, Vec::new(), record.clone(), now).unwrap();
        assert_eq!(governed.answered(&all, Vec::new(), record, now), None);
        drop(governed);
        assert_eq!(used(), (cost, 1, 18));
        let [spent] = settlement.spent.as_slice() else { panic!("{settlement:?}") };
        assert_eq!(spent.amount, cost);
        let requests: u64 =
            settlement.counted.iter().filter_map(|one| one.requests).map(|(_, more)| more).sum();
        let tokens: u64 = settlement.counted.iter().filter_map(|one| one.tokens).map(|(_, more)| more).sum();
        assert_eq!((requests, tokens), (1, 18));
        // What was settled is not settled again when nobody holds the call any more.
        assert!(logged(&tested).await.is_empty());
    }

    #[tokio::test]
    async fn every_kind_of_answer_costs_its_price_unless_a_defect_takes_more_or_nothing() {
        use RequestType::{Chat, ChatStream, Embedding, ResponsesStream};
        for (defect, request_type, times) in [
            (None, ChatStream, 1_i32),
            (None, Embedding, 1),
            (Some("costs-tenfold"), Chat, 10),
            (Some("streams-uncharged"), Chat, 1),
            (Some("streams-uncharged"), ResponsesStream, 0),
            (Some("only-chats-counted"), Chat, 1),
            (Some("only-chats-counted"), Embedding, 0),
        ] {
            let tested = Tested::new(defect);
            let (value, used) = limited(&tested).await;
            let sent = [("x-bf-vk", value.as_str())];
            let governed = tested.enter_as(request_type, &sent, "openai/gpt-4o", &[]).unwrap();
            let cost = governed.primary().model.price.cost(USAGE) * Decimal::from(times);
            let (record, now) = (governed.unanswered(0), tested.world.clock.now());
            governed.answered(&[Used { leg: 0, usage: USAGE }], Vec::new(), record, now).unwrap();
            let (dollars, _, tokens) = used();
            let expected = (cost, if times == 0 { 0 } else { 18 });
            assert_eq!((dollars, tokens), expected, "{defect:?} {request_type:?}");
        }
    }

    #[tokio::test]
    async fn a_call_without_an_answer_was_counted_and_cost_nothing() {
        let tested = Tested::new(None);
        let (value, used) = limited(&tested).await;
        let governed = tested.enter(&[("x-bf-vk", &value)], "openai/gpt-4o").unwrap();
        governed.note_failure(503, "nobody answers");
        drop(governed);
        assert_eq!(used(), (Decimal::ZERO, 1, 0));
        let logged = logged(&tested).await;
        let told: Vec<_> = logged.iter().map(|call| (call.status, call.status_code, call.cost)).collect();
        assert_eq!(told, [(CallStatus::Error, Some(503), Decimal::ZERO)]);
        assert_eq!(logged[0].error.as_deref(), Some("nobody answers"));
    }

    #[tokio::test]
    async fn who_leaves_has_failed_and_who_is_answered_from_memory_has_not() {
        for (is_answered, status, code) in
            [(false, CallStatus::Error, Some(499)), (true, CallStatus::Success, None)]
        {
            let tested = Tested::new(None);
            let (value, used) = limited(&tested).await;
            let governed = tested.enter(&[("x-bf-vk", &value)], "openai/gpt-4o").unwrap();
            if is_answered {
                governed.note_success();
            }
            drop(governed);
            assert_eq!(used(), (Decimal::ZERO, 1, 0));
            let logged = logged(&tested).await;
            let told: Vec<_> = logged.iter().map(|call| (call.status, call.status_code, call.cost)).collect();
            assert_eq!(told, [(status, code, Decimal::ZERO)]);
            assert_eq!(logged[0].error.is_some(), !is_answered);
        }
    }

    #[tokio::test]
    async fn a_refused_call_is_logged_and_not_counted() {
        let tested = Tested::new(None);
        assert!(tested.enter(&[], "no-such-model").is_err());
        let logged = logged(&tested).await;
        assert_eq!((logged.len(), logged[0].status_code), (1, Some(400)));
    }

    #[tokio::test]
    async fn a_call_is_closed_once_and_of_what_it_says_only_the_beginning_is_kept() {
        let tested = Tested::new(None);
        let (value, used) = limited(&tested).await;
        let governed = tested.enter(&[("x-bf-vk", &value)], "openai/gpt-4o").unwrap();
        governed.note_failure(503, &"x".repeat(100_000));
        governed.close().await.unwrap();
        governed.close().await.unwrap();
        drop(governed);
        let logged = logged(&tested).await;
        assert_eq!((logged.len(), used().1), (1, 1));
        assert_eq!(logged[0].error.as_deref().map(str::len), Some(512));
    }

    #[tokio::test]
    async fn a_count_of_tokens_is_for_those_who_have_something_left_and_takes_nothing_of_it() {
        let tested = Tested::new(None);
        let (value, used) = limited(&tested).await;
        let sent = [("x-bf-vk", value.as_str())];
        let count = || tested.enter_as(RequestType::TokenCount, &sent, "openai/gpt-4o", &[]);
        drop(count().unwrap());
        assert_eq!((used().1, logged(&tested).await.len()), (0, 0));
        for _ in 0..9 {
            drop(tested.enter(&sent, "openai/gpt-4o").unwrap());
        }
        assert!(count().is_err());
        assert_eq!(logged(&tested).await.len(), 9);
    }

    #[tokio::test]
    async fn a_racing_limit_counts_only_in_the_end() {
        let tested = Tested::new(Some("limit-races"));
        let (value, used) = limited(&tested).await;
        let governed = tested.enter(&[("x-bf-vk", &value)], "openai/gpt-4o").unwrap();
        assert_eq!(used().1, 0);
        drop(governed);
        assert_eq!(used().1, 1);
    }
}
