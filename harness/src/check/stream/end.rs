use crate::check::words::shorten;
use crate::scenario::Terminator;
use crate::target::Secrets;

/// How a stream ended.
#[derive(Debug, Default)]
pub(super) struct End {
    /// How often its terminator came.
    pub(super) terminators: usize,
    /// Events after the first terminator.
    pub(super) after: usize,
    /// The beginning of an event that was not ended.
    pub(super) unfinished: Option<String>,
    /// Why its body is not whole.
    pub(super) cut: Option<String>,
}

impl End {
    /// Whether its last bytes are missing.
    pub(super) fn is_cut(&self) -> bool {
        self.cut.is_some() || self.unfinished.is_some()
    }

    /// Whether it came to an end at all, whatever may be wrong with that.
    pub(super) fn came(&self, terminator: Option<&Terminator>) -> bool {
        if terminator.is_some() { self.terminators > 0 } else { !self.is_cut() }
    }

    /// What is wrong with it after so many events, each thing in its own words; nothing where it is right.
    pub(super) fn problems(
        &self,
        terminator: Option<&Terminator>,
        events: usize,
        secrets: &Secrets,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(why) = &self.cut {
            problems.push(format!("the connection broke after {}: {why}", counted(events)));
        }
        if let Some(beginning) = &self.unfinished {
            problems
                .push(format!("it is cut off in the middle of an event: {}", shorten(beginning, secrets)));
        }
        match self.terminators {
            // What came too late did not come.
            0 if terminator.is_some() && !self.is_cut() => {
                problems.push(format!("no terminator after {}", counted(events)));
            }
            0 | 1 => {}
            times => problems.push(format!("the terminator came {times} times")),
        }
        if self.after > 0 {
            problems.push(format!("{} after the terminator", counted(self.after)));
        }
        problems
    }
}

/// `1 event`, `2 events`.
fn counted(events: usize) -> String {
    format!("{events} event{}", if events == 1 { "" } else { "s" })
}
