//! Writes what a call costs into the ledger and the log, and into what governs it.

use std::iter::repeat_n;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::call::{Call, CallError};
use super::catalog::Model;
use super::governance::{Governed, Used};
use super::inference::Usage;
use super::ledger::{Charge, Operation};
use super::log_line::LogEvent;
use crate::defect::Defect;
use crate::store::StoreError;

/// What a gateway that charges failures takes them to have used.
const FAILURE: Usage = Usage::of(1_000, 1_000);

/// Bills an answered call, whether or not its caller leaves in the middle of it; its request says so from the start.
pub(crate) async fn bill_to_the_end(
    call: &Call,
    model: &Arc<Model>,
    operation: Operation,
    usage: Usage,
) -> Result<(), CallError> {
    bill_parts_to_the_end(call, model, operation, vec![whole(call, usage)]).await
}

/// The same where parts of the call may have been answered by several of its legs.
pub(crate) async fn bill_parts_to_the_end(
    call: &Call,
    model: &Arc<Model>,
    operation: Operation,
    used: Vec<Used>,
) -> Result<(), CallError> {
    call.context.is_billed.store(true, Ordering::Relaxed);
    let (call, model) = (call.clone(), Arc::clone(model));
    let mut billing = Box::pin(async move { bill_parts(&call, &model, operation, &used).await });
    // Mostly there is nothing to wait for, and nothing in the middle.
    if let Some(outcome) = (&mut billing).now_or_never() {
        return Ok(outcome?);
    }
    match tokio::spawn(billing).await {
        Ok(outcome) => Ok(outcome?),
        Err(error) => Err(CallError::Interrupted(error.to_string())),
    }
}

/// Bills an answered call, and counts its tokens against its key's limit.
pub(crate) async fn bill(
    call: &Call,
    model: &Model,
    operation: Operation,
    usage: Usage,
) -> Result<(), StoreError> {
    bill_parts(call, model, operation, &[whole(call, usage)]).await
}

/// All that was used, where one has answered all of it.
fn whole(call: &Call, usage: Usage) -> Used {
    Used { leg: call.context.service.leg(), usage }
}

async fn bill_parts(
    call: &Call,
    model: &Model,
    operation: Operation,
    used: &[Used],
) -> Result<(), StoreError> {
    let usage: Usage = used.iter().map(|used| used.usage).sum();
    let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
    call.key.quota.spend(tokens, call.world.clock.now());
    if let Some(governed) = &call.governed {
        return settle(call, governed, operation, used).await;
    }
    for _ in 0..events(call) {
        write(call, charge(call, model, model.id(), operation, usage)).await?;
    }
    Ok(())
}

/// How many events tell of a call: one, where the gateway is sound.
fn events(call: &Call) -> usize {
    let defects = &call.world.defects;
    if defects.has(Defect::BillingEventMissing) {
        return 0;
    }
    if defects.has(Defect::EveryThirdEventLost) && defects.events.count(call.key.id).is_multiple_of(3) {
        return 0;
    }
    if defects.has(Defect::BillingEventDoubled) { 2 } else { 1 }
}

/// Bills a governed call at the prices of the legs that have served it: its charges, what it counts for, and its line
/// in the log of calls are written together.
async fn settle(
    call: &Call,
    governed: &Governed,
    operation: Operation,
    used: &[Used],
) -> Result<(), StoreError> {
    let events = events(call);
    let charges = used.iter().flat_map(|Used { leg, usage }| {
        let charge = charge(call, &governed.leg(*leg).model, &governed.billed_name(*leg), operation, *usage);
        repeat_n(charge, events)
    });
    write_together(call, governed, used, charges.collect()).await
}

/// What a call whose provider has failed is charged: nothing, where the gateway is sound.
pub(crate) async fn charge_failure(call: &Call) {
    let Some(governed) = &call.governed else { return };
    if !call.world.defects.has(Defect::FailureCharged) {
        return;
    }
    let used = [Used { leg: 0, usage: FAILURE }];
    if let Err(error) = write_together(call, governed, &used, Vec::new()).await {
        tracing::error!(%error, "a failed call cannot be charged");
    }
}

/// Ends a governed call for which no provider has given an answer. Where the store is durable, what comes of it is on
/// disk before its caller is told.
pub(crate) async fn close(call: &Call) {
    let Some(governed) = &call.governed else { return };
    if let Err(error) = governed.close().await {
        tracing::error!(%error, "a call without an answer cannot be settled");
    }
}

async fn write_together(
    call: &Call,
    governed: &Governed,
    used: &[Used],
    charges: Vec<Charge>,
) -> Result<(), StoreError> {
    let now = call.world.clock.now();
    let record = governed.record(call, used);
    let Some(settlement) = governed.answered(used, charges.clone(), record, now) else {
        return Ok(());
    };
    governed.settle(settlement).await?;
    for charge in charges {
        call.world.record(&call.context, LogEvent::Billing(Box::new(charge)));
    }
    Ok(())
}

/// What a refused call is billed: nothing, where the gateway is sound.
pub(crate) async fn bill_refusal(call: &Call, operation: Operation) {
    if !call.world.defects.has(Defect::BillingEventOnFailure) {
        return;
    }
    let Some(model) = call.world.catalog.first(operation.needs()) else { return };
    let charge = charge(call, model, model.id(), operation, Usage::default());
    if let Err(error) = write(call, charge).await {
        tracing::error!(%error, "a refused call cannot be billed");
    }
}

async fn write(call: &Call, charge: Charge) -> Result<(), StoreError> {
    let line = LogEvent::Billing(Box::new(charge.clone()));
    call.world.ledger.append(charge).await?;
    call.world.record(&call.context, line);
    Ok(())
}

/// What so much of a model costs under this name.
fn charge(call: &Call, model: &Model, name: &Arc<str>, operation: Operation, usage: Usage) -> Charge {
    let mut charge = Charge {
        at: call.world.clock.now(),
        request_id: call.context.id,
        key_id: call.key.id,
        manager_id: Arc::clone(&call.key.manager_id),
        model: Arc::clone(name),
        operation,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cost: model.price.cost(usage),
    };
    if call.world.defects.any() {
        falsify(call, model, usage, &mut charge);
    }
    charge
}

/// Falsifies single members; the cost is that of whatever the event says, unless it is what is wrong.
fn falsify(call: &Call, model: &Model, mut usage: Usage, charge: &mut Charge) {
    let defects = &call.world.defects;
    let mut billed = model;
    if defects.has(Defect::BillingUsageWrong) {
        usage.input_tokens += 1;
    }
    if defects.has(Defect::BillingModelWrong)
        && let Some(other) = call.world.catalog.another_than(model.id())
    {
        billed = other;
        charge.model = Arc::clone(other.id());
    }
    if defects.has(Defect::BillingKeyWrong)
        && let Some(other) = call.world.keys.first(|key| key.id != call.key.id)
    {
        charge.key_id = other.id;
    }
    if defects.has(Defect::BillsMixedUp)
        && let Some(other) = twin(call)
    {
        charge.key_id = other;
    }
    charge.input_tokens = usage.input_tokens;
    charge.cost = billed.price.cost(usage);
    if defects.has(Defect::BillingCostWrong) {
        charge.cost += Decimal::ONE;
    }
}

/// The key that a call's is taken for where bills are mixed up, and which is taken for the call's: they are of one role, and
/// none of that was made between them.
fn twin(call: &Call) -> Option<Uuid> {
    let all = call.world.keys.list();
    // The newest first: where their number is odd, the oldest has none.
    let alike: Vec<_> = all.iter().rev().filter(|key| key.role == call.key.role).map(|key| key.id).collect();
    let position = alike.iter().position(|id| *id == call.key.id)?;
    alike.get(position ^ 1).copied()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::clock::Moment;
    use super::super::key::{Key, KeyRecord, SecretDigest};
    use super::super::ledger::LedgerQuery;
    use super::super::quota::GENEROUS;
    use super::super::scope::ScopeSet;
    use super::super::testing::{self, TestWorld};
    use super::*;

    const ALL: LedgerQuery = LedgerQuery { after: 0, key_id: None, limit: 100 };
    const USAGE: Usage = Usage::of(11, 7);

    async fn billed(defect: Option<&str>) -> (TestWorld, Call, Vec<Charge>) {
        let world = testing::world();
        world.break_with(defect);
        let call = world.call("chat_only");
        let model = Arc::clone(world.world.catalog.find("claude_3_5_sonnet").unwrap());
        bill(&call, &model, Operation::Chat, USAGE).await.unwrap();
        let events = world.world.ledger.events(ALL).await.unwrap();
        let charges = events.into_iter().map(|event| event.charge).collect();
        (world, call, charges)
    }

    #[tokio::test]
    async fn a_call_is_billed_once_with_its_model_usage_key_and_cost() {
        let (world, call, charges) = billed(None).await;
        assert_eq!(charges.len(), 1);
        let charge = &charges[0];
        assert_eq!((&*charge.model, charge.input_tokens, charge.output_tokens), ("claude_3_5_sonnet", 11, 7));
        assert_eq!((charge.key_id, &charge.manager_id), (call.key.id, &call.key.manager_id));
        assert_eq!(charge.request_id, call.context.id);
        assert_eq!(charge.cost.to_string(), "0.000138");
        assert_eq!(world.world.log.lines(Some(call.context.id)).len(), 1);
    }

    #[tokio::test]
    async fn a_bill_is_written_and_logged_although_nobody_waits_for_it_any_more() {
        let world = testing::durable_world();
        let call = world.call("chat_only");
        let model = Arc::clone(world.world.catalog.find("claude_3_5_sonnet").unwrap());
        // Who waits for it leaves while it is written.
        drop(bill_to_the_end(&call, &model, Operation::Chat, USAGE).now_or_never());
        assert!(call.context.is_billed.load(Ordering::Relaxed));
        let deadline = Instant::now() + Duration::from_secs(10);
        while world.world.log.lines(Some(call.context.id)).is_empty() {
            assert!(Instant::now() < deadline, "the bill was never logged");
            tokio::task::yield_now().await;
        }
        assert_eq!(world.world.ledger.events(ALL).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn each_billing_defect_falsifies_its_own_member_and_what_follows_from_it() {
        let (_world, _call, sound) = billed(None).await;
        let sound = &sound[0];
        for (defect, changes) in [
            ("billing-usage-wrong", &["usage", "cost"][..]),
            ("billing-model-wrong", &["model", "cost"]),
            ("billing-key-wrong", &["key"]),
            ("billing-cost-wrong", &["cost"]),
        ] {
            let (_world, call, charges) = billed(Some(defect)).await;
            let charge = &charges[0];
            let changed = [
                ("usage", charge.input_tokens != sound.input_tokens),
                ("model", charge.model != sound.model),
                ("key", charge.key_id != call.key.id),
                ("cost", charge.cost != sound.cost),
            ];
            for (member, differs) in changed {
                assert_eq!(differs, changes.contains(&member), "{defect}: {member}");
            }
        }
    }

    #[tokio::test]
    async fn keys_of_a_role_can_be_billed_for_one_another() {
        let world = testing::world();
        world.break_with(Some("bills-mixed-up"));
        let model = Arc::clone(world.world.catalog.find("claude_3_5_sonnet").unwrap());
        let first = world.call("chat_only");
        let minted = |secret: &[u8]| {
            let key = Arc::new(Key::new(KeyRecord {
                id: Uuid::new_v4(),
                role: "chat_only".into(),
                scopes: ScopeSet::default(),
                manager_id: "manager".into(),
                digest: SecretDigest::of(secret),
                created_at: Moment::from_micros(0),
                active: true,
                expires_at: None,
                last_used_at: None,
                limits: GENEROUS,
            }));
            world.world.keys.add(Arc::clone(&key));
            Call { key, ..first.clone() }
        };
        let (second, third) = (minted(b"second"), minted(b"third"));
        let calls = [&first, &second, &third, &world.call("all_scopes")];
        for call in calls {
            bill(call, &model, Operation::Chat, USAGE).await.unwrap();
        }
        let events = world.world.ledger.events(ALL).await.unwrap();
        let billed: Vec<_> = events.into_iter().map(|event| event.charge.key_id).collect();
        assert_eq!(billed, [&first, &third, &second, calls[3]].map(|call| call.key.id));
    }

    #[tokio::test]
    async fn of_every_three_events_of_a_key_the_third_can_be_lost() {
        let world = testing::world();
        world.break_with(Some("every-third-event-lost"));
        let model = Arc::clone(world.world.catalog.find("claude_3_5_sonnet").unwrap());
        for (key, written) in
            [("chat_only", 1), ("all_scopes", 2), ("chat_only", 3), ("chat_only", 3), ("chat_only", 4)]
        {
            bill(&world.call(key), &model, Operation::Chat, USAGE).await.unwrap();
            assert_eq!(world.world.ledger.events(ALL).await.unwrap().len(), written);
        }
    }

    #[tokio::test]
    async fn events_can_be_missing_doubled_or_written_for_a_failure() {
        assert_eq!(billed(Some("billing-event-missing")).await.2.len(), 0);
        assert_eq!(billed(Some("billing-event-doubled")).await.2.len(), 2);
        for (defect, events) in [(None, 0), (Some("billing-event-on-failure"), 1)] {
            let world = testing::world();
            world.break_with(defect);
            bill_refusal(&world.call("chat_only"), Operation::Embedding).await;
            assert_eq!(world.world.ledger.events(ALL).await.unwrap().len(), events);
        }
    }
}
