//! The reader of contracts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plumbline_fuzz::load;

fuzz_target!(|text: &str| load(&[("gsai/contract.yaml", text)]));
