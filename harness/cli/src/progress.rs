//! A bar for a person who waits.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use plumbline_record::{Event, Verdict};

use crate::printer::Printer;

/// Shows how far a run is, where somebody watches.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    failed: usize,
}

impl Progress {
    pub(crate) fn new(printer: Printer) -> Self {
        let bar = printer.is_watched().then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) =
                ProgressStyle::with_template("{bar:32} {pos}/{len} scenarios  {elapsed}  {msg}")
            {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, failed: 0 }
    }

    pub(crate) fn event(&mut self, event: &Event) {
        let Some(bar) = &self.bar else { return };
        match event {
            Event::RunStarted(started) => bar.set_length(started.selected as u64),
            Event::ScenarioFinished(finished) if finished.last => {
                bar.inc(1);
                for case in &finished.cases {
                    if matches!(case.verdict, Verdict::Failed | Verdict::Error) {
                        self.failed += 1;
                        bar.println(format!("✗ {} {}", case.name, case.verdict));
                        bar.set_message(format!("{} failed", self.failed));
                    }
                }
            }
            Event::RunFinished(_) => bar.finish_and_clear(),
            _ => {}
        }
    }
}
