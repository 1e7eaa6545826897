//! The reader of target descriptors.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plumbline_fuzz::{file, templates};
use plumbline_harness::target::{Environment, read};

fuzz_target!(|text: &str| {
    let environment = Environment::default()
        .with("PLUMBLINE_CONTROL_TOKEN", "control")
        .with("PLUMBLINE_GATEWAY_LOG", "gateway.log");
    let _ = read(&file("target.yaml", text), Some("http://127.0.0.1:8080"), &environment, templates());
});
