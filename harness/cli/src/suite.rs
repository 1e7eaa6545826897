//! From `--scenarios` and `--fixtures` to a suite.

use std::collections::{BTreeMap, BTreeSet};
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

/// The files of folders and single files; the contracts of the binary, and their dialects, are there for those that bring
/// none.
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
    let own: BTreeSet<_> = texts.iter().filter_map(|(name, text)| described(name, text)).collect();
    // A dialect may name JSON Schemas that are not among the fixtures of somebody whom its contract does not concern.
    let is_used = |contract: &str| {
        let tag = format!("@contract:{contract}");
        texts.values().any(|text| said(text, "contract:") == Some(contract) || text.contains(&tag))
    };
    let is_missing = |(name, text): &(&str, &str)| {
        let described = described(name, text);
        described.is_some_and(|(contract, dialect)| {
            // A contract brings its own dialects.
            let is_own = own.contains(&(contract, None)) || own.contains(&(contract, dialect));
            !is_own && (dialect.is_none() || is_used(contract))
        })
    };
    let missing: Vec<_> = embedded::scenarios().into_iter().filter(is_missing).collect();
    for (name, text) in missing {
        texts.entry(name.to_owned()).or_insert_with(|| text.into());
    }
    Ok(Files::in_memory(texts.iter().map(|(name, text)| (name.as_str(), &**text))))
}

/// The contract that a file describes, or describes in a dialect, by what it says: its folder may have any name.
fn described<'t>(name: &str, text: &'t str) -> Option<(&'t str, Option<&'t str>)> {
    let mut parts = name.rsplit('/');
    let (file, folder) = (parts.next()?, parts.next());
    if folder == Some("dialects") {
        Some((said(text, "contract:")?, Some(said(text, "dialect:")?)))
    } else {
        matches!(file, "contract.yaml" | "contract.yml").then_some((said(text, "contract:")?, None))
    }
}

/// The word that a file says of itself.
fn said<'t>(text: &'t str, field: &str) -> Option<&'t str> {
    let rest = text.lines().find_map(|line| line.strip_prefix(field))?;
    Some(rest.split_whitespace().next()?.trim_matches(['"', '\'']))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn scenarios() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
    }

    /// The names of the files that end with this.
    fn ending_with(paths: &[PathBuf], end: &str) -> Vec<String> {
        let files = files(paths).unwrap();
        files.iter().filter(|file| file.name.ends_with(end)).map(|file| file.name.to_string()).collect()
    }

    #[test]
    fn what_a_folder_or_a_file_brings_is_not_there_twice() {
        let dialect = "dialects/openai.yaml";
        let of_binary = "gateway/contract.yaml".to_owned();
        let folder = [scenarios().join("gateway")];
        assert_eq!(ending_with(&folder, dialect), [dialect]);
        let contracts = ending_with(&folder, "contract.yaml");
        assert!(contracts.contains(&"gsai/contract.yaml".to_owned()) && !contracts.contains(&of_binary));
        let file = [scenarios().join("gateway").join(dialect)];
        assert_eq!(ending_with(&file, dialect), [file[0].to_string_lossy()]);
        assert_eq!(ending_with(&file, "dialects/gsai.yaml"), ["gateway/dialects/gsai.yaml"]);
        assert!(ending_with(&file, "contract.yaml").contains(&of_binary));
        assert_eq!(ending_with(&[scenarios()], dialect), ["gateway/dialects/openai.yaml"]);
    }

    #[test]
    fn what_one_brings_goes_before_that_of_the_binary() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let own = "contract: gateway\ndialect: openai # mine\n";
        write("gateway/dialects/openai.yaml", own);
        write("a/contract.yaml", "version: '1'\ncontract: 'gsai'\n");
        let files = files(&[folder.path().to_owned()]).unwrap();
        let text = |name: &str| files.iter().find(|file| &*file.name == name).map(|file| &*file.text);
        assert_eq!(text("gateway/dialects/openai.yaml"), Some(own));
        assert!(text("gateway/dialects/gemini.yaml").is_some() && text("gateway/contract.yaml").is_some());
        assert!(text("a/contract.yaml").is_some() && text("gsai/contract.yaml").is_none());
        // A dialect of a contract of one's own is one's own.
        write("b/contract.yaml", "contract: gateway\n");
        let files = super::files(&[folder.path().to_owned()]).unwrap();
        let dialects = files.iter().filter(|file| file.name.contains("dialects/")).count();
        assert_eq!(dialects, 1);
    }
}
