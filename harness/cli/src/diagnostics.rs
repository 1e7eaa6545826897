//! How errors are shown: what failed, where, and how to mend it.

use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Write as _};
use std::io;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, SourceSpan};
use plumbline_harness::source::Mistake;
use plumbline_record::ExitCode;
use plumbline_reports::{masked, one_line, printable};

use crate::printer::Printer;

/// Mistakes that are shown in full; the rest are counted.
const SHOWN: usize = 100;

/// Why a command ended without doing what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line names something that is not there.
    Usage(anyhow::Error),
    /// A file that people write, or a file at all, is wrong.
    Configuration(anyhow::Error),
    /// Such a file has mistakes.
    Mistakes(Vec<Mistake>),
    /// The gateway cannot be reached.
    Unreachable(anyhow::Error),
}

impl Failure {
    pub(crate) fn configuration(error: impl Into<anyhow::Error>) -> Self {
        Self::Configuration(error.into())
    }

    /// Says what happened and gives the exit code for it.
    pub(crate) fn show(&self, printer: Printer) -> ExitCode {
        match self {
            Self::Usage(error) => {
                printer.error(&format!("error: {}", told(error)));
                ExitCode::Usage
            }
            Self::Configuration(error) => {
                printer.error(&format!("error: failed to {}", told(error)));
                ExitCode::Configuration
            }
            Self::Mistakes(mistakes) => {
                printer.error(&render(mistakes, printer));
                ExitCode::Configuration
            }
            Self::Unreachable(error) => {
                printer.error(&format!(
                    "error: failed to {}\n  hint: is the gateway running, and is the address right?",
                    told(error)
                ));
                ExitCode::Unreachable
            }
        }
    }
}

/// An error with its causes, none of them twice: some errors tell their cause themselves. What they quote is made harmless.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    printable(&text).into_owned()
}

/// What came of printing: whoever closes the pipe has read enough.
pub(crate) fn printed(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Failure::configuration),
    }
}

/// Mistakes with their snippets, and their number. Nothing in the files steers the terminal.
pub(crate) fn render(mistakes: &[Mistake], printer: Printer) -> String {
    let theme =
        if printer.is_colourful() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
    let mut text = String::new();
    let mut sources = HashMap::new();
    for mistake in mistakes.iter().take(SHOWN) {
        let file = &mistake.file;
        let source = &**sources.entry(Arc::as_ptr(file)).or_insert_with(|| masked(&file.text));
        // Writing into a text does not fail.
        let _ = handler.render_report(&mut text, &Report { mistake, source });
        text.push('\n');
    }
    if mistakes.len() > SHOWN {
        let _ = writeln!(text, "… and {} more\n", mistakes.len() - SHOWN);
    }
    let files = mistakes.iter().map(|mistake| &mistake.file.name).collect::<BTreeSet<_>>().len();
    let _ = write!(text, "{} in {}", count(mistakes.len(), "mistake"), count(files, "file"));
    text
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A mistake as miette shows it, without a copy of the file for each.
#[derive(Debug)]
struct Report<'m> {
    mistake: &'m Mistake,
    source: &'m str,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.mistake.message))
    }
}

impl std::error::Error for Report<'_> {}

impl Diagnostic for Report<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.mistake.hint.as_ref().map(|hint| Box::new(printable(hint)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.mistake.span;
        let span = SourceSpan::new((span.start as usize).into(), span.length as usize);
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, span))))
    }
}

impl SourceCode for Report<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'a> + 'a>, miette::MietteError> {
        let contents = self.source.read_span(span, before, after)?;
        Ok(Box::new(miette::MietteSpanContents::new_named(
            one_line(&self.mistake.file.name, usize::MAX),
            contents.data(),
            *contents.span(),
            contents.line(),
            contents.column(),
            contents.line_count(),
        )))
    }
}
