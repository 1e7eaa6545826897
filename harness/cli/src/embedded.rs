//! The files inside the binary, so that one file is the product.

use include_dir::{Dir, include_dir};

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../scenarios");
static FIXTURES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../fixtures");

/// The descriptor of the reference gateway inside the process.
pub(crate) const REFERENCE_TARGET: &str = include_str!("../../../targets/reference.yaml");

/// The scenario files and contracts: names and texts.
pub(crate) fn scenarios() -> Vec<(&'static str, &'static str)> {
    let mut files = texts(&SCENARIOS, "yaml");
    files.extend(texts(&SCENARIOS, "feature"));
    files
}

/// A contract's catalogue, by its name below the scenarios' folder: `gsai/ids.csv`.
pub(crate) fn catalogue(name: &str) -> Option<&'static str> {
    SCENARIOS.get_file(name)?.contents_utf8()
}

/// The JSON Schemas: names such as `gsai/chat-completion` and texts.
pub(crate) fn schemas() -> Vec<(&'static str, &'static str)> {
    let named = |(path, text): (&'static str, &'static str)| {
        Some((path.strip_prefix("schemas/")?.strip_suffix(".json")?, text))
    };
    texts(&FIXTURES, "json").into_iter().filter_map(named).collect()
}

/// A fixture's bytes.
pub(crate) fn fixture(name: &str) -> Option<Vec<u8>> {
    FIXTURES.get_file(name).map(|file| file.contents().to_vec())
}

fn texts(folder: &'static Dir<'static>, ending: &str) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            if file.path().extension().is_some_and(|other| other == ending)
                && let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8())
            {
                found.push((path, text));
            }
        }
    }
    found
}
