//! From what was typed to what would have to be typed to do it again elsewhere.

use std::path::Path;

use plumbline_harness::target::Target;

use crate::arguments::{Run, Selection, Sources, TargetChoice};

/// The arguments that decide what is run against what, and how it is judged. Folders for reports, shards and the number of
/// jobs are left out: they change nothing of it. An address is without its user and its query.
pub(crate) fn repeat(run: &Run, target: &Target) -> Vec<String> {
    let mut words = Words(Vec::new());
    let Selection { ids, tags, contract } = &run.selection;
    words.0.extend(ids.iter().cloned());
    words.option("--tags", tags.clone());
    words.list("--contract", contract);
    let Sources { scenarios, fixtures } = &run.sources;
    words.path("--scenarios", scenarios.as_deref());
    words.path("--fixtures", fixtures.as_deref());
    words.target(&run.target, target);
    words.option("--retries", (run.retries > 0).then(|| run.retries.to_string()));
    words.option("--timeout", run.timeout.map(|time| humantime::format_duration(time).to_string()));
    words.path("--expect", run.expect.as_deref());
    words.0
}

struct Words(Vec<String>);

impl Words {
    fn option(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.0.extend([name.to_owned(), value]);
        }
    }

    fn path(&mut self, name: &str, path: Option<&Path>) {
        self.option(name, path.map(|path| path.display().to_string()));
    }

    fn list(&mut self, name: &str, values: &[String]) {
        self.option(name, (!values.is_empty()).then(|| values.join(",")));
    }

    fn target(&mut self, choice: &TargetChoice, target: &Target) {
        let TargetChoice { target: chosen, url, key, model, capability, defect, upstream } = choice;
        let url = url.as_ref().map(|_| target.shown_url());
        match chosen {
            // With `--url` too, the target's own address is the one that counted.
            Some(address) if address.contains("://") => self.option("--target", Some(target.shown_url())),
            Some(file) => {
                self.option("--target", Some(file.clone()));
                self.option("--url", url);
            }
            None => {}
        }
        for (name, pairs) in [("--key", key), ("--model", model)] {
            for (left, right) in pairs {
                self.option(name, Some(format!("{left}={right}")));
            }
        }
        self.list("--capability", capability);
        self.list("--defect", defect);
        if *upstream {
            self.0.push("--upstream".to_owned());
        }
    }
}
