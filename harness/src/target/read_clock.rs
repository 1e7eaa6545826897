//! Reads how time passes on the gateway's clock.

use std::time::Duration;

use super::Clock;
use super::file::ClockEntry;
use super::read::Reader;
use crate::source::written::wrappers::Located;

/// How long the clock is waited for unless the descriptor says otherwise.
const WAIT: Duration = Duration::from_secs(5);

impl Reader<'_> {
    pub(super) fn clock(&mut self, entry: Located<ClockEntry>) -> Option<Clock> {
        let (span, ClockEntry { advance, wait, at_most }) = (entry.span, entry.value);
        let limit = self.duration(at_most.as_ref());
        match (advance, wait) {
            (Some(call), None) => {
                if let Some(at_most) = at_most {
                    let hint = Some("take it out: a clock that is moved takes no time".to_owned());
                    self.note(at_most.span, "`at_most` goes with `wait`", hint);
                }
                self.call(call).map(Clock::Moved)
            }
            (None, Some(wait)) if wait.value => Some(Clock::Waited { at_most: limit.unwrap_or(WAIT) }),
            _ => {
                let hint = Some("write `advance: { call: … }` or `wait: true`".to_owned());
                self.note(span, "a clock is either moved or waited for", hint);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scenario::Templates;
    use crate::source::SourceFile;
    use crate::target::{Environment, Target, TargetError, read};

    fn target(clock: &str) -> Result<Target, String> {
        let text = format!("name: mine\nclock: {clock}\n");
        let file = Arc::new(SourceFile { name: "target.yaml".into(), text: text.as_str().into() });
        let templates = Templates::new(Arc::new(|_: &str| None::<Vec<u8>>));
        match read(&file, Some("http://127.0.0.1:1"), &Environment::default(), templates) {
            Ok(target) => Ok(target),
            Err(TargetError::Mistakes(mistakes)) => {
                Err(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_clock_is_moved_or_waited_for() {
        let moved =
            target("{ advance: { call: POST /clock, json: { by: '{{ clock.advance }}' } } }").unwrap();
        assert!(matches!(&moved.clock, Some(Clock::Moved(call)) if &*call.method == "POST"));
        let recorded = moved.recorded(["demo"].into_iter());
        assert_eq!(recorded.configuration.unwrap().means, ["clock"]);
        for (text, seconds) in [("{ wait: true }", 5), ("{ wait: true, at_most: 1m }", 60)] {
            let clock = target(text).unwrap().clock;
            let expected = Duration::from_secs(seconds);
            assert!(matches!(clock, Some(Clock::Waited { at_most }) if at_most == expected), "{text}");
        }
    }

    #[test]
    fn a_clock_that_does_neither_is_a_mistake() {
        let call = "advance: { call: POST /clock }";
        for (text, part) in [
            ("{}".to_owned(), "either moved or waited for"),
            ("{ wait: false }".to_owned(), "either moved or waited for"),
            (format!("{{ {call}, wait: true }}"), "either moved or waited for"),
            (format!("{{ {call}, at_most: 5s }}"), "`at_most` goes with `wait`"),
            ("{ wait: true, at_most: soon }".to_owned(), "`soon` is not a duration"),
        ] {
            let mistakes = target(&text).unwrap_err();
            assert!(mistakes.starts_with("target.yaml:2:") && mistakes.contains(part), "{text}: {mistakes}");
        }
    }
}
