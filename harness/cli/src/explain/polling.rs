//! What is polled, in words and by hand.

use plumbline_harness::scenario::{Check, Poll};

use super::check::{demand, sentence};
use super::shape::short;

/// What is polled, how often, and what ends it: lines, each indented as deep as it belongs.
pub(super) fn lines(poll: &Poll, credential: &str) -> Vec<String> {
    let (method, path) = (&poll.call.method, short(poll.call.path.source()));
    let headers = poll.call.headers.iter();
    let headers = headers.map(|(name, value)| format!("  with the header {name}: {}", short(value.source())));
    let mut lines = vec![format!("polls {method} {path}{credential} {}", pace(poll))];
    lines.extend(headers);
    lines.push(format!("until {}", conditions(&poll.until)));
    if !poll.stop_when.is_empty() {
        lines.push(format!("fails as soon as {}", conditions(&poll.stop_when)));
    }
    if !poll.meanwhile.is_empty() {
        lines.push("expects of each answer before the last:".to_owned());
        lines.extend(poll.meanwhile.iter().map(|check| format!("  - {}", sentence(check))));
    }
    lines
}

/// A command that is repeated as often as there is time for.
pub(super) fn loop_of(poll: &Poll, command: &str) -> String {
    let times = poll.at_most.as_millis().div_ceil(poll.every.as_millis().max(1)).max(1);
    let every = poll.every.as_secs_f64();
    let until = short(&conditions(&poll.until));
    format!("# stop it once {until}\nfor POLL in $(seq {times}); do\n{command}\nsleep {every}\ndone")
}

fn pace(poll: &Poll) -> String {
    let [every, at_most] = [poll.every, poll.at_most].map(humantime::format_duration);
    format!("every {every} for at most {at_most}")
}

/// Conditions in one line, without how binding they are: they verify nothing.
fn conditions(checks: &[Check]) -> String {
    checks.iter().map(demand).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plumbline_harness::scenario::{Scenario, Templates};
    use plumbline_harness::source::{Files, load};

    use super::super::{by_hand, step};

    const FILES: [(&str, &str); 2] = [
        (
            "demo/contract.yaml",
            "contract: demo
version: '1'
title: A contract
roles: [{ name: user, text: Somebody }]
requirements: [{ id: jobs.done, level: MUST, text: A job ends, source: here }]
",
        ),
        (
            "demo/a.yaml",
            "contract: demo
scenarios:
  - id: ONE
    title: A job ends
    steps:
      - name: done
        covers: [J-2]
        poll: GET /jobs/1
        as: user
        every: 100ms
        at_most: 20s
        until: { status: 200, body: [{ at: $.status, equals: done }] }
        stop_when: [{ at: $.status, equals: failed }]
        meanwhile: { status: 202, verifies: jobs.done }
      - { name: later, advance: 61s }
",
        ),
    ];

    fn scenario() -> Arc<Scenario> {
        let templates = Templates::new(Arc::new(|_: &str| None::<Vec<u8>>));
        let (suite, mistakes) = load(Files::in_memory(FILES), &[], templates);
        assert!(mistakes.is_empty(), "{mistakes:?}");
        Arc::new(Scenario::clone(&suite.scenarios[0]))
    }

    #[test]
    fn it_is_told_how_often_and_until_when_is_asked() {
        let scenario = scenario();
        let told: Vec<_> = scenario.steps.iter().flat_map(|one| step::lines(one, None)).collect();
        assert_eq!(
            told,
            [
                "polls GET /jobs/1 as user every 100ms for at most 20s",
                "until the status is 200 and $.status equals \"done\"",
                "fails as soon as $.status equals \"failed\"",
                "expects of each answer before the last:",
                "  - the status is 202  [MUST jobs.done]",
                "covers J-2",
                "lets 61s pass on the gateway's clock",
            ]
        );
    }

    #[test]
    fn by_hand_it_is_a_loop() {
        let text = by_hand::commands(&scenario(), None);
        assert!(text.contains("\nfor POLL in $(seq 200); do\ncurl "), "{text}");
        assert!(text.contains("\nsleep 0.1\ndone\n"), "{text}");
        assert!(text.contains("# stop it once the status is 200 and $.status equals \"done\"\n"), "{text}");
        assert!(text.contains("# let 61s pass on the gateway's clock"), "{text}");
    }
}
