use std::collections::BTreeSet;
use std::fmt::Write as _;

use plumbline_reference_server::{Defect, catalogue};

use super::edges::LONG;
use super::world::World;
use crate::support::Gateway;

/// What the requirements of the other contracts begin with.
const OTHERS: [&str; 5] = ["openai.", "anthropic.", "gemini.", "gateway.", "bifrost."];

#[tokio::test]
async fn a_sound_gateway_breaks_nothing() {
    let gateway = Gateway::start();
    assert_eq!(World::with(&gateway, &[]).await.judge(true).await, BTreeSet::new());
}

#[tokio::test]
async fn each_defect_breaks_what_it_lists_and_nothing_else() {
    let gateway = Gateway::start();
    let mut surprises = String::new();
    // Those that are data belong to other dialects than the one that this looks at.
    for info in catalogue().iter().filter(|info| !matches!(info.defect, Defect::Edits(_))) {
        let here = |requirement: &&str| !OTHERS.iter().any(|other| requirement.starts_with(other));
        let listed: BTreeSet<_> = info.breaks.iter().copied().filter(here).collect();
        if listed.is_empty() {
            // Nobody says what it breaks of this contract: it is tried on the scenarios of its own.
            continue;
        }
        let long = info.breaks.iter().any(|requirement| LONG.contains(requirement));
        let broken = World::with(&gateway, &[info.id]).await.judge(long).await;
        if broken != listed {
            writeln!(surprises, "{} breaks {broken:?} and lists {listed:?}", info.id).unwrap();
        }
    }
    assert!(surprises.is_empty(), "{surprises}");
}
