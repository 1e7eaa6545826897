use std::fs;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::*;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// How often a variant is named, not counting longer names that begin like it.
fn mentions(text: &str, variant: &str) -> usize {
    text.match_indices(variant)
        .filter(|(at, _)| {
            !text[at + variant.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        })
        .count()
}

#[test]
fn each_defect_is_consulted_in_exactly_one_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.retain(|path| !path.starts_with(root.join("defect")));
    assert!(files.len() > 20, "the sources were not found under {}", root.display());
    let texts: Vec<_> = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for info in catalogue().iter().filter(|info| !matches!(info.defect, Defect::Edits(_))) {
        let variant = format!("Defect::{:?}", info.defect);
        let count: usize = texts.iter().map(|text| mentions(text, &variant)).sum();
        assert_eq!(count, 1, "{variant} is named {count} times outside src/defect");
    }
}

#[test]
fn there_is_room_for_every_defect() {
    assert!(catalogue().len() <= set::ROOM);
}

#[test]
fn ids_are_unique_and_read_back() {
    for info in catalogue() {
        assert_eq!(info.id.parse::<Defect>(), Ok(info.defect));
        assert_eq!(info.defect.to_string(), info.id);
        assert!(!info.breaks.is_empty());
    }
    let mut ids: Vec<_> = catalogue().iter().map(|info| info.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), catalogue().len());
}

#[test]
fn an_unknown_id_is_answered_with_the_nearest() {
    let error = "scopes-not-enforced".parse::<Defect>().unwrap_err();
    assert_eq!(error.nearest, Some("scope-not-enforced"));
    assert_eq!(
        error.to_string(),
        "there is no defect \"scopes-not-enforced\"; did you mean \"scope-not-enforced\"?"
    );
    assert_eq!("zzz".parse::<Defect>().unwrap_err().nearest, None);
}

#[test]
fn a_set_holds_what_was_put_on_and_nothing_else() {
    let set = DefectSet::default();
    assert!(!set.any());
    for info in catalogue() {
        set.set(&[info.defect]);
        assert!(set.any());
        assert_eq!(set.ids(), [info.id]);
    }
    let all: Vec<_> = catalogue().iter().map(|info| info.defect).collect();
    set.set(&all);
    assert_eq!(set.list(), all);
    set.set(&[]);
    assert!(!set.any());
}

#[test]
fn keys_are_counted_one_by_one_until_the_defects_change() {
    let set = DefectSet::default();
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for tally in [&set.chats, &set.events, &set.polls] {
        assert_eq!([one, one, two, one].map(|key| tally.count(key)), [1, 2, 1, 3]);
    }
    set.set(&[]);
    assert_eq!([&set.chats, &set.events, &set.polls].map(|tally| tally.count(one)), [1, 1, 1]);
}

#[test]
fn what_is_seen_in_the_wild_is_marked() {
    let in_code = catalogue().iter().filter(|info| !matches!(info.defect, Defect::Edits(_)));
    let wild: Vec<_> = in_code.filter(|info| info.seen_in_the_wild).map(|info| info.id).collect();
    assert_eq!(
        wild,
        [
            "provider-model-leaked",
            "billing-event-missing",
            "last-used-not-moved",
            "temperature-capped-at-one",
            "ranges-not-enforced",
            "finish-reason-always-stop",
            "dimensions-ignored",
            "empty-text-refused",
            "empty-embedding-accepted",
            "files-refused",
            "malformed-json-crashes",
            "input-echoed-in-full",
            "rate-limit-as-400",
            "rejected-failed-over",
            "unknown-virtual-key-anonymous",
            "last-error-told",
            "rename-detaches",
            "job-ttl-zero-taken",
            "job-misses-told-apart",
        ]
    );
}
