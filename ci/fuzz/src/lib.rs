//! What the fuzz targets share. Each hands arbitrary text to a reader, and demands that it comes back.

use std::sync::Arc;

use plumbline_harness::scenario::Templates;
use plumbline_harness::source::{self, Files, SourceFile};

/// The contract that scenarios are read beside.
pub const CONTRACT: &str = include_str!("../../../scenarios/gsai/contract.yaml");

/// The JSON Schemas that scenarios may name.
const SCHEMAS: [&str; 4] = ["gsai/chat-completion", "gsai/embeddings", "gsai/error-detail", "gsai/models"];

/// Templates without fixtures.
pub fn templates() -> Templates {
    Templates::new(Arc::new(|_: &str| None::<Vec<u8>>))
}

/// A text as the file that it would stand in.
pub fn file(name: &str, text: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile { name: name.into(), text: text.into() })
}

/// Reads a suite of these files, and says what is wrong with it.
pub fn load(files: &[(&str, &str)]) {
    let (_, mistakes) = source::load(Files::in_memory(files.iter().copied()), &SCHEMAS, templates());
    for mistake in mistakes {
        let _ = mistake.to_string();
    }
}
