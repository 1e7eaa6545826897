//! The reader of expected failures, and what changes the text of such a file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plumbline_fuzz::file;
use plumbline_harness::expectation::{Addition, Update, read, rewrite};
use plumbline_record::Verdict;

/// Some cases, and what came of them in a run.
const CASES: [(&str, Verdict); 5] = [
    ("SEQ_A", Verdict::Passed),
    ("SEQ_A[billing]", Verdict::Failed),
    ("SEQ_B", Verdict::Failed),
    ("SEQ_B[billing]", Verdict::Passed),
    ("BURST", Verdict::Error),
];

fuzz_target!(|text: &str| {
    let cases = CASES.map(|(case, _)| case.to_owned());
    let file = file("expected.yaml", text);
    let Ok(expectations) = read(&file, &cases) else { return };
    let update = Update::new(&expectations, &CASES.map(|(case, verdict)| (case.to_owned(), verdict)).into());
    let addition = Addition { reason: "It \"never\" worked", link: None };
    let _ = rewrite(&file, &cases, &expectations, &update, Some(addition));
});
