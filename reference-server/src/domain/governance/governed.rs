//! What a call carries through the gateway once it is let in, and leaves behind exactly once: when it is answered, or
//! else when nobody holds it any more.

use std::sync::Arc;

use parking_lot::Mutex;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::caller::Caller;
use super::entering::Entered;
use super::itinerary::Leg;
use super::meter::Flaws;
use super::request_type::RequestType;
use super::settlement::{Counted, SeatRow, Settlement};
use crate::domain::call::Call;
use crate::domain::call_log::{CallRecord, CallStatus};
use crate::domain::clock::Moment;
use crate::domain::inference::Usage;
use crate::domain::ledger::Charge;
use crate::domain::routing::RoutedModel;
use crate::domain::world::World;

/// Of the chance in a call's routes, which have none: each leg has a place of its own.
const NO_CHANCE: u64 = 0;

/// How a call ends of which nothing else is noted, as in the log of requests.
const LEFT: (u16, &str) = (499, "the caller left before there was an answer");

/// A call that is let in.
pub(crate) struct Governed {
    world: Arc<World>,
    pub(crate) caller: Caller,
    pub(crate) request_type: RequestType,
    requested: (Arc<str>, Arc<str>),
    first: Leg,
    fallbacks: Vec<Leg>,
    routed: RoutedModel,
    pub(crate) rule: Option<Uuid>,
    started: Moment,
    flaws: Flaws,
    tab: Mutex<Tab>,
}

/// What is still to be left behind.
struct Tab {
    open: Option<Open>,
    /// How it fails if it ends now; nothing where there is an answer.
    failure: Option<(u16, Box<str>)>,
}

struct Open {
    seat: Option<SeatRow>,
    counted: Vec<Counted>,
    uncounted: Vec<Uuid>,
}

impl Governed {
    /// A call that has entered.
    pub(super) fn new(
        entered: Entered,
        world: Arc<World>,
        caller: Caller,
        request_type: RequestType,
    ) -> Self {
        let Entered { requested, first, fallbacks, rule, seat, counted, uncounted, started, flaws } = entered;
        let legs: Vec<_> = std::iter::once(&first).chain(&fallbacks).cloned().collect();
        let open = Some(Open { seat, counted, uncounted });
        Self {
            world,
            caller,
            request_type,
            requested,
            routed: RoutedModel::of_legs(&legs, NO_CHANCE),
            first,
            fallbacks,
            rule,
            started,
            flaws,
            tab: Mutex::new(Tab { open, failure: Some((LEFT.0, LEFT.1.into())) }),
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

    /// What the log of calls tells of it once a leg has answered.
    pub(crate) fn record(&self, call: &Call, place: usize, usage: Usage, cost: Decimal) -> CallRecord {
        CallRecord {
            id: call.context.id,
            status: CallStatus::Success,
            status_code: Some(200),
            usage,
            cost,
            attempts: call.context.service.attempts(),
            ..self.unanswered(place)
        }
    }

    /// Notes how it has failed, which is told when it ends without an answer of a leg.
    pub(crate) fn note_failure(&self, status: u16, message: &str) {
        self.tab.lock().failure = Some((status, message.into()));
    }

    /// Notes that there is an answer, whoever has given it: one from memory costs nothing and is no failure.
    pub(crate) fn note_success(&self) {
        self.tab.lock().failure = None;
    }

    /// Counts what the leg that has answered has used. Gives what the store is to write; nothing the second time.
    pub(crate) fn answered(
        &self,
        leg: usize,
        usage: Usage,
        cost: Decimal,
        charges: Vec<Charge>,
        call: CallRecord,
        now: Moment,
    ) -> Option<Settlement> {
        let open = self.tab.lock().open.take()?;
        let meters = &self.world.governance.meters;
        let used = &self.leg(leg).meters;
        // The request was counted where the call was to go first.
        let elsewhere = used.iter().copied().filter(|id| leg > 0 && !self.first.meters.contains(id));
        let elsewhere = meters.count(elsewhere, now, self.flaws);
        let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
        let (spent, counted) = meters.charge(used, tokens, cost, now, self.flaws);
        let mut settlement = self.closed(open, now, call);
        settlement.charges = charges;
        settlement.spent = spent;
        settlement.counted.extend(elsewhere);
        settlement.counted.extend(counted);
        Some(settlement)
    }

    /// What a call leaves behind whatever becomes of it.
    fn closed(&self, open: Open, now: Moment, call: CallRecord) -> Settlement {
        let mut counted = open.counted;
        counted.extend(self.world.governance.meters.count(open.uncounted.into_iter(), now, self.flaws));
        Settlement { counted, seat: open.seat, call: Some(Box::new(call)), ..Settlement::default() }
    }

    /// What the log of calls tells of it so far.
    fn unanswered(&self, place: usize) -> CallRecord {
        let leg = self.leg(place);
        let virtual_key = self.caller.virtual_key.as_ref();
        let micros = self.world.clock.now().as_micros().saturating_sub(self.started.as_micros());
        CallRecord {
            id: Uuid::new_v4(),
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
    /// A call that no leg has answered was counted, and cost nothing.
    fn drop(&mut self) {
        let Tab { open, failure } = self.tab.get_mut();
        let (Some(open), failure) = (open.take(), failure.take()) else { return };
        let mut record = self.unanswered(0);
        if let Some((status, message)) = failure {
            record.status = CallStatus::Error;
            record.status_code = Some(status);
            record.error = Some(message);
        }
        let settlement = self.closed(open, self.world.clock.now(), record);
        self.world.ledger.settle_now(settlement);
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
        let record = governed.unanswered(0);
        let settlement = governed.answered(0, USAGE, cost, Vec::new(), record.clone(), now).unwrap();
        assert_eq!(governed.answered(0, USAGE, cost, Vec::new(), record, now), None);
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
    async fn a_racing_limit_counts_only_in_the_end() {
        let tested = Tested::new(Some("limit-races"));
        let (value, used) = limited(&tested).await;
        let governed = tested.enter(&[("x-bf-vk", &value)], "openai/gpt-4o").unwrap();
        assert_eq!(used().1, 0);
        drop(governed);
        assert_eq!(used().1, 1);
    }
}
