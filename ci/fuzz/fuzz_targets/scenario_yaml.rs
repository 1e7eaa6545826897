//! The reader of scenarios in YAML.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plumbline_fuzz::{CONTRACT, load};

fuzz_target!(|text: &str| load(&[("gsai/contract.yaml", CONTRACT), ("gsai/scenarios.yaml", text)]));
