use crate::check::Cut;
use crate::check::words::shorten;
use crate::scenario::{Ending, Terminator};
use crate::target::Secrets;

/// How a stream ended.
#[derive(Debug, Default)]
pub(super) struct End {
    /// How often its terminator came.
    pub(super) terminators: usize,
    /// Whether the data of the terminator is not what it must be.
    pub(super) unreadable: bool,
    /// Events after the first terminator.
    pub(super) after: usize,
    /// How many lines without a meaning came after it, and the first of them.
    pub(super) ignored: Option<(usize, String)>,
    /// The beginning of an event that was not ended.
    pub(super) unfinished: Option<String>,
    /// Why its body is not whole.
    pub(super) cut: Option<Cut>,
}

impl End {
    /// Takes note of a line without a meaning after the terminator.
    pub(super) fn pass_over(&mut self, line: &str) {
        self.ignored.get_or_insert_with(|| (0, line.to_owned())).0 += 1;
    }

    /// Whether its events are not all there.
    pub(super) fn lacks_events(&self) -> bool {
        self.terminators == 0 && self.is_cut()
    }

    /// Whether it was left before its end, so that nothing is known of that.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self.cut, Some(Cut::Left(_)))
    }

    /// Whether its last bytes are missing.
    fn is_cut(&self) -> bool {
        self.cut.is_some() || self.unfinished.is_some()
    }

    /// What came in place of an ending before its own end; nothing where that came. A body that is whole was not broken
    /// off, though it may hold less than it should.
    pub(super) fn instead_of(&self, ending: Ending, terminator: Option<&Terminator>) -> Option<String> {
        match (terminator, &self.cut) {
            (Some(terminator), _) if self.terminators > 0 => Some(terminator.to_string()),
            (_, Some(cut @ (Cut::Late(_) | Cut::Unread(_)))) => Some(cut.to_string()),
            (Some(terminator), None) if ending == Ending::BrokenOff => {
                Some(format!("a whole body without {terminator}"))
            }
            (None, None) if ending == Ending::BrokenOff || self.unfinished.is_none() => {
                Some("a whole body".to_owned())
            }
            _ => None,
        }
    }

    /// What is wrong with it after so many events, each thing in its own words; nothing where it is right.
    pub(super) fn problems(
        &self,
        terminator: Option<&Terminator>,
        events: usize,
        secrets: &Secrets,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        match (&self.cut, terminator) {
            (Some(Cut::Late(why)), Some(terminator)) if self.terminators > 0 => {
                problems.push(format!("{terminator} came, and the connection stayed open: {why}"));
            }
            (Some(Cut::Closed(why)), _) => {
                problems.push(format!("the connection broke after {}: {why}", counted(events, "event")));
            }
            (Some(Cut::Late(why) | Cut::Unread(why)), _) => {
                problems.push(format!("{why}, after {}", counted(events, "event")));
            }
            (Some(Cut::Left(_)) | None, _) => {}
        }
        if let Some(beginning) = &self.unfinished {
            problems
                .push(format!("it is cut off in the middle of an event: {}", shorten(beginning, secrets)));
        }
        match self.terminators {
            // What came too late did not come.
            0 if terminator.is_some() && !self.is_cut() => {
                problems.push(format!("no terminator after {}", counted(events, "event")));
            }
            0 | 1 => {}
            times => problems.push(format!("the terminator came {times} times")),
        }
        if self.after > 0 {
            problems.push(format!("{} after the terminator", counted(self.after, "event")));
        }
        if let Some((times, first)) = &self.ignored {
            let lines = counted(*times, "line");
            problems.push(format!("{lines} after the terminator: {}", shorten(first, secrets)));
        }
        problems
    }
}

/// `1 event`, `2 events`.
fn counted(times: usize, what: &str) -> String {
    format!("{times} {what}{}", if times == 1 { "" } else { "s" })
}
