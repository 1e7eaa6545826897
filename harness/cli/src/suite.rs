//! From `--scenarios` and `--fixtures` to a suite.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use plumbline_harness::check::Schemas;
use plumbline_harness::scenario::{Selector, Templates};
use plumbline_harness::source::{Files, Mistake, Suite, load, read_text};

use crate::arguments::{Selection, Sources};
use crate::diagnostics::Failure;
use crate::embedded;

/// Templates that find their fixtures in a folder, or in the binary.
pub(crate) fn templates(fixtures: Option<&Path>) -> Templates {
    match fixtures.map(Path::to_owned) {
        None => Templates::new(Arc::new(embedded::fixture)),
        Some(folder) => Templates::new(Arc::new(move |name| {
            // A name can't lead out of the folder.
            let inside =
                Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
            inside.then(|| fs::read(folder.join(name)).ok()).flatten()
        })),
    }
}

/// The JSON Schemas that scenarios may name.
pub(crate) fn schemas(fixtures: Option<&Path>) -> Result<Schemas, Failure> {
    let Some(folder) = fixtures else {
        return Schemas::new(embedded::schemas()).map_err(Failure::configuration);
    };
    let mut texts = BTreeMap::new();
    let root = folder.join("schemas");
    for contract in fs::read_dir(&root)
        .with_context(|| format!("read {}", root.display()))
        .map_err(Failure::configuration)?
    {
        let contract = contract.map_err(Failure::configuration)?.path();
        if !contract.is_dir() {
            continue;
        }
        for file in fs::read_dir(&contract).map_err(Failure::configuration)? {
            let file = file.map_err(Failure::configuration)?.path();
            if file.extension().is_some_and(|ending| ending == "json")
                && let (Some(folder), Some(stem)) = (contract.file_name(), file.file_stem())
            {
                let name = format!("{}/{}", folder.to_string_lossy(), stem.to_string_lossy());
                texts.insert(name, read_text(&file).map_err(Failure::configuration)?);
            }
        }
    }
    Schemas::new(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())))
        .map_err(Failure::configuration)
}

/// The files of folders and single files; the contracts of the binary are there for those that bring none.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Files, Failure> {
    if paths.is_empty() {
        return Ok(Files::in_memory(embedded::scenarios()));
    }
    let mut texts: BTreeMap<String, Arc<str>> = BTreeMap::new();
    for path in paths {
        if path.is_dir() {
            for file in Files::below(path).map_err(Failure::configuration)?.iter() {
                texts.insert(file.name.to_string(), Arc::clone(&file.text));
            }
        } else {
            let text = read_text(path).map_err(Failure::configuration)?;
            texts.insert(path.to_string_lossy().replace('\\', "/"), text.into());
        }
    }
    let own: Vec<_> =
        texts.keys().filter_map(|name| name.strip_suffix("contract.yaml").map(str::to_owned)).collect();
    for (name, text) in embedded::scenarios() {
        if let Some(folder) = name.strip_suffix("contract.yaml")
            && !own.iter().any(|other| other.ends_with(folder))
        {
            texts.insert(name.to_owned(), text.into());
        }
    }
    Ok(Files::in_memory(texts.iter().map(|(name, text)| (name.as_str(), &**text))))
}

/// A suite without mistakes, and the JSON Schemas that it names.
pub(crate) fn sound(sources: &Sources) -> Result<(Suite, Schemas), Failure> {
    let fixtures = sources.fixtures.as_deref();
    let schemas = schemas(fixtures)?;
    let (suite, mistakes) = read(files(sources.scenarios.as_slice())?, &schemas, fixtures);
    if mistakes.is_empty() { Ok((suite, schemas)) } else { Err(Failure::Mistakes(mistakes)) }
}

/// What was selected on the command line.
pub(crate) fn selector(selection: &Selection) -> Result<Selector, Failure> {
    Selector::new(&selection.ids, selection.tags.as_deref(), selection.contract.clone())
        .map_err(|error| Failure::Usage(error.into()))
}

/// Whether a selected scenario involves the simulator of the providers.
pub(crate) fn involves_upstream(suite: &Suite, selector: &Selector) -> bool {
    suite.scenarios.iter().any(|scenario| scenario.involves_upstream() && selector.selects(scenario))
}

/// Reads a suite; what is wrong with it comes back beside it.
pub(crate) fn read(files: Files, schemas: &Schemas, fixtures: Option<&Path>) -> (Suite, Vec<Mistake>) {
    let names: Vec<_> = schemas.names().collect();
    load(files, &names, templates(fixtures))
}
