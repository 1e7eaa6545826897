//! A bar for a person who waits.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use plumbline_record::Event;
use plumbline_reports::one_line;

use crate::printer::Printer;

/// Shows how far a run is, where somebody watches.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    failed: usize,
}

impl Progress {
    pub(crate) fn new(printer: Printer) -> Self {
        Self { bar: bar(printer, "scenarios"), failed: 0 }
    }

    pub(crate) fn event(&mut self, event: &Event) {
        let Some(bar) = &self.bar else { return };
        match event {
            Event::RunStarted(started) => bar.set_length(started.selected as u64),
            Event::ScenarioFinished(finished) if finished.last => {
                bar.inc(1);
                for case in &finished.cases {
                    if case.counts_against() {
                        self.failed += 1;
                        bar.println(format!("✗ {} {}", one_line(&case.name, usize::MAX), case.verdict));
                        bar.set_message(format!("{} failed", self.failed));
                    }
                }
            }
            Event::RunFinished(_) => bar.finish_and_clear(),
            _ => {}
        }
    }
}

/// Shows how far a proof is, where somebody watches.
#[derive(Debug)]
pub(crate) struct ProofProgress {
    bar: Option<ProgressBar>,
}

impl ProofProgress {
    pub(crate) fn new(printer: Printer, defects: usize) -> Self {
        let bar = bar(printer, "defects");
        if let Some(bar) = &bar {
            bar.set_length(defects as u64);
            bar.set_message("first without a defect");
        }
        Self { bar }
    }

    /// A defect was tried.
    pub(crate) fn tried(&self, defect: &str, caught: bool) {
        let Some(bar) = &self.bar else { return };
        bar.inc(1);
        bar.set_message(defect.to_owned());
        if !caught {
            bar.println(format!("✗ {defect}"));
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A bar that counts these, where somebody watches.
fn bar(printer: Printer, counted: &str) -> Option<ProgressBar> {
    printer.is_watched().then(|| {
        let bar = ProgressBar::new(0);
        let template = format!("{{bar:32}} {{pos}}/{{len}} {counted}  {{elapsed}}  {{msg}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    })
}
