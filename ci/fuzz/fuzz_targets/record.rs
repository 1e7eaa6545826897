//! The reader of records, and the reports that are rendered from them.

#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use plumbline_record::read;
use plumbline_reports::{Summary, TerminalOptions, Verbosity, render, write_junit};

fuzz_target!(|bytes: &[u8]| {
    let mut summary = Summary::default();
    for event in read(bytes).map_while(Result::ok) {
        summary.add(event);
    }
    let options = TerminalOptions { strict: true, verbosity: Verbosity::Verbose };
    let _ = render(&summary, &options, &mut io::sink());
    let _ = write_junit(&summary, true, io::sink());
});
