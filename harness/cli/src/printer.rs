//! The one place that writes to the terminal: stdout for what was asked for, stderr for everything else.

use std::io::{self, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};

use crate::arguments::Color;

/// Where output goes, and in what colours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    choice: ColorChoice,
    quiet: bool,
}

impl Printer {
    pub(crate) fn new(color: Color, quiet: bool) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { choice, quiet }
    }

    /// For what a pipe wants.
    pub(crate) fn out(self) -> impl Write {
        AutoStream::new(io::stdout().lock(), self.choice)
    }

    /// For what only a person wants, unless they want quiet.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            self.error(text);
        }
    }

    /// For what went wrong.
    pub(crate) fn error(self, text: &str) {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(AutoStream::new(io::stderr().lock(), self.choice), "{text}");
    }

    /// Whether nobody wants more than what was asked for.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Whether a person watches stderr.
    pub(crate) fn is_watched(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether stdout takes colour.
    pub(crate) fn is_colourful(self) -> bool {
        match self.choice {
            ColorChoice::Always | ColorChoice::AlwaysAnsi => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        }
    }
}
