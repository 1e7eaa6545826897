//! What budgets and limits have come to: window by window, with what they count for, and by which clock.

use std::time::Duration;

use rust_decimal::Decimal;

use super::open::{ROOT, open};
use super::testing::{BUDGET, COST, LATER, LIMIT, START, logged, metered, meters, settle, settlement, state};
use super::{Document, First, Forgotten, Kind, MeterRow, Place, meter_rows};
use crate::domain::clock::Clock;
use crate::domain::governance::{Counted, SeatRow, Settlement, Spent};
use crate::domain::jobs::{JobRow, JobStatus};

#[test]
fn within_a_window_amounts_are_added_and_of_two_windows_the_later_counts() {
    let documents = meters();
    let first = First { documents: &documents, ..First::default() };
    let (connection, _) = open(&Place::Memory, false, first).unwrap();
    let spend = |since, cents| {
        let spent = Spent { budget: BUDGET, since, amount: Decimal::new(cents, 2) };
        meter_rows::spend(&connection, &spent).unwrap();
    };
    let count = |requests, tokens| {
        meter_rows::count(&connection, &Counted { limit: LIMIT, requests, tokens }).unwrap();
    };
    let told = || meter_rows::meters(&connection).unwrap();
    let budget = |since, cents| MeterRow::Budget { id: BUDGET, since, used: Decimal::new(cents, 2) };
    let limit = |requests, tokens| MeterRow::Limit { id: LIMIT, requests, tokens };
    spend(START, 10);
    spend(START, 5);
    count(Some((START, 1)), None);
    count(Some((START, 1)), Some((START, 30)));
    assert_eq!(told(), [budget(START, 15), limit(Some((START, 2)), Some((START, 30)))]);
    spend(LATER, 1);
    count(Some((LATER, 1)), None);
    assert_eq!(told(), [budget(LATER, 1), limit(Some((LATER, 1)), Some((START, 30)))]);
    spend(START, 100);
    count(Some((START, 100)), Some((START, 12)));
    assert_eq!(told(), [budget(LATER, 1), limit(Some((LATER, 1)), Some((START, 42)))]);
}

#[tokio::test]
async fn meters_go_with_what_they_count_for_even_where_a_call_ends_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    {
        let (store, _) = state(&path, false, &meters());
        settle(&store, ROOT, settlement(1)).await.unwrap();
        let budget = Document::Delete { kind: Kind::Budget, id: BUDGET.to_string() };
        store.change(vec![budget], vec![Forgotten::Meter(BUDGET)]).await.unwrap();
        assert_eq!(logged(&store).await, 1);
    }
    {
        let (store, opened) = state(&path, false, &[]);
        assert_eq!(opened.meters, metered(1)[1..]);
        settle(&store, ROOT, settlement(2)).await.unwrap();
    }
    assert_eq!(state(&path, false, &[]).1.meters, metered(2)[1..]);
}

#[tokio::test]
async fn a_part_of_a_limit_that_is_taken_off_is_forgotten_and_the_other_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let (requests, tokens) = (Some((START, 1)), Some((START, 18)));
    for (number, forgotten, left) in [
        (1, Forgotten::Requests(LIMIT), MeterRow::Limit { id: LIMIT, requests: None, tokens }),
        (2, Forgotten::Tokens(LIMIT), MeterRow::Limit { id: LIMIT, requests, tokens: None }),
    ] {
        let (store, _) = state(&path, false, &meters());
        let all = vec![Forgotten::Meter(BUDGET), Forgotten::Meter(LIMIT)];
        store.change(Vec::new(), all).await.unwrap();
        settle(&store, ROOT, settlement(number)).await.unwrap();
        store.change(Vec::new(), vec![forgotten]).await.unwrap();
        drop(store);
        assert_eq!(state(&path, false, &[]).1.meters, [metered(1)[0].clone(), left]);
    }
}

#[tokio::test]
async fn what_was_timed_by_a_clock_that_was_ahead_is_timed_from_the_next_start_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let day = Duration::from_hours(24);
    let ahead = Clock::default().now().plus(day);
    let job = JobRow {
        id: "job".to_owned(),
        operation: "chat/completions".into(),
        virtual_key: None,
        status: JobStatus::Completed,
        ttl: 60,
        created: ahead,
        completed: Some(ahead),
        expires: Some(ahead.plus(day)),
        status_code: Some(200),
        body: Some("{}".to_owned()),
    };
    {
        let (store, _) = state(&path, false, &meters());
        let spent = vec![Spent { budget: BUDGET, since: ahead, amount: COST }];
        let counted = vec![Counted { limit: LIMIT, requests: Some((ahead, 1)), tokens: None }];
        let seat =
            |number, ttl| SeatRow { seat: [number; 32], key_id: "one".into(), ends: ahead.plus(ttl), ttl };
        let settlement = Settlement { spent, counted, seat: Some(seat(1, day)), ..Settlement::default() };
        settle(&store, ROOT, settlement).await.unwrap();
        let seat = Some(seat(2, Duration::ZERO));
        settle(&store, ROOT, Settlement { seat, ..Settlement::default() }).await.unwrap();
        store.save_job(ROOT, job).await.unwrap();
    }
    let (store, opened) = state(&path, false, &[]);
    let now = Clock::default().now();
    let [
        MeterRow::Budget { since: spent_since, used, .. },
        MeterRow::Limit { requests: Some((counted_since, 1)), tokens: None, .. },
    ] = opened.meters.as_slice()
    else {
        panic!("{:?}", opened.meters)
    };
    assert!(*spent_since <= now && *counted_since <= now && *used == COST, "{:?}", opened.meters);
    let job = store.job(ROOT, "job".to_owned()).await.unwrap().unwrap();
    assert!(job.created <= now && job.completed.unwrap() <= now, "{job:?}");
    assert!(job.expires.unwrap() <= now.plus(Duration::from_mins(1)), "{job:?}");
    let [seat] = opened.seats.as_slice() else { panic!("{:?}", opened.seats) };
    assert!(seat.seat == [1; 32] && seat.ends <= now.plus(day), "{seat:?}");
}
