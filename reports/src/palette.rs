use anstyle::{AnsiColor, Style};
use plumbline_record::Verdict;

/// Styles by what they say, so that text meant for a file can be written by the same code without any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Palette {
    pub(crate) strong: Style,
    pub(crate) faint: Style,
    pub(crate) good: Style,
    pub(crate) bad: Style,
    pub(crate) caution: Style,
}

impl Palette {
    /// No styles at all.
    pub(crate) const PLAIN: Self = Self {
        strong: Style::new(),
        faint: Style::new(),
        good: Style::new(),
        bad: Style::new(),
        caution: Style::new(),
    };

    /// For a terminal.
    pub(crate) const COLOURED: Self = Self {
        strong: Style::new().bold(),
        faint: Style::new().dimmed(),
        good: AnsiColor::Green.on_default(),
        bad: AnsiColor::Red.on_default(),
        caution: AnsiColor::Yellow.on_default(),
    };

    pub(crate) fn of(self, verdict: Verdict) -> Style {
        match verdict {
            Verdict::Passed => self.good,
            Verdict::Failed | Verdict::Error => self.bad,
            Verdict::NotTestable => self.caution,
            Verdict::Unsupported | Verdict::Disabled => self.faint,
        }
    }
}

/// The sign of a verdict, which tells it apart without colour.
pub(crate) fn symbol(verdict: Verdict) -> char {
    match verdict {
        Verdict::Passed => '✓',
        Verdict::Failed => '✗',
        Verdict::Error => '⊗',
        Verdict::NotTestable => '?',
        Verdict::Unsupported => '–',
        Verdict::Disabled => '○',
    }
}
