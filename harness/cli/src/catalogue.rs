//! The ids that a contract must cover: the `ids.csv` beside its `contract.yaml`.

use std::borrow::Cow;
use std::path::Path;

use anyhow::Context as _;
use plumbline_harness::scenario::Contract;
use plumbline_harness::source::read_text;
use plumbline_reports::CatalogueId;

use crate::diagnostics::Failure;
use crate::embedded;

/// A contract's catalogue, where it has one: from the folder that its requirements are from, or from the binary.
pub(crate) fn catalogue(
    contract: &Contract,
    scenarios: Option<&Path>,
) -> Result<Option<Vec<CatalogueId>>, Failure> {
    let Some(requirement) = contract.requirements.values().next() else { return Ok(None) };
    let written = Path::new(&requirement.location.file);
    let own = scenarios.map(|folder| folder.join(written)).filter(|file| file.is_file());
    let (name, text) = match own.map(|file| file.with_file_name("ids.csv")) {
        Some(file) if !file.is_file() => return Ok(None),
        Some(file) => {
            let text = read_text(&file).map_err(Failure::configuration)?;
            (file.display().to_string(), Cow::Owned(text))
        }
        None => {
            let name = format!("{}/ids.csv", contract.name);
            let Some(text) = embedded::catalogue(&name) else { return Ok(None) };
            (name, Cow::Borrowed(text))
        }
    };
    parse(&text).map(Some).with_context(|| format!("read {name}")).map_err(Failure::Configuration)
}

/// Reads lines of `id,title` below that heading.
fn parse(text: &str) -> anyhow::Result<Vec<CatalogueId>> {
    let mut lines = text.lines();
    let heading = lines.next().unwrap_or_default();
    anyhow::ensure!(heading == "id,title", "its first line is `{heading}`, not `id,title`");
    let entry = |(index, line): (usize, &str)| match line.split_once(',') {
        Some((id, title)) if !id.is_empty() => Ok(CatalogueId { id: id.to_owned(), title: title.to_owned() }),
        _ => Err(anyhow::anyhow!("line {} is not `id,title`", index + 2)),
    };
    lines.enumerate().filter(|(_, line)| !line.trim().is_empty()).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_with_their_titles() {
        let ids = parse("id,title\nA,One, two\n\nB,Three\n").unwrap();
        let told: Vec<_> = ids.iter().map(|entry| (entry.id.as_str(), entry.title.as_str())).collect();
        assert_eq!(told, [("A", "One, two"), ("B", "Three")]);
    }

    #[test]
    fn what_is_no_catalogue_says_where() {
        for (text, part) in [("", "first line"), ("id\nA", "first line"), ("id,title\n\nA", "line 3")] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
}
