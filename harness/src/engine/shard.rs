//! A selection dealt out to several runs, which may be on several machines.

use std::collections::HashSet;
use std::str::FromStr;

use plumbline_record::ShardRef;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::target::hex;

/// One of several parts of what is selected, such as `2/4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

/// Why a text names no shard.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("write its number and how many there are, from `1/1` to `{MOST}/{MOST}`, such as `2/4`")]
pub struct ShardError;

/// Most shards.
const MOST: usize = 10_000;

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let (number, of) = text.split_once('/').ok_or(ShardError)?;
        let parse = |digits: &str| digits.parse::<usize>().map_err(|_| ShardError);
        let (number, of) = (parse(number)?, parse(of)?);
        if (1..=of).contains(&number) && of <= MOST { Ok(Self { number, of }) } else { Err(ShardError) }
    }
}

impl Shard {
    /// Which of the selected scenarios are this shard's, and what the record says of it.
    ///
    /// The ids are dealt out one after another in their own order. So every shard has as many as the others, or one less,
    /// neighbours that take long are spread, and it does not matter in what order the files are read or the scenarios run.
    pub(super) fn deal<'i>(self, selected: impl Iterator<Item = &'i str>) -> (HashSet<&'i str>, ShardRef) {
        let mut ids: Vec<&str> = selected.collect();
        ids.sort_unstable();
        let mut digest = Sha256::new();
        for id in &ids {
            digest.update(id.as_bytes());
            digest.update([0]);
        }
        let (selected, selection) = (ids.len(), hex(&digest.finalize()));
        let Self { number, of } = self;
        let own = ids.into_iter().skip(number - 1).step_by(of).collect();
        (own, ShardRef { number, of, selected, selection })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own<'i>(shard: &str, ids: &[&'i str]) -> (HashSet<&'i str>, ShardRef) {
        shard.parse::<Shard>().unwrap().deal(ids.iter().copied())
    }

    #[test]
    fn each_scenario_is_in_one_shard_whatever_their_order() {
        let ids = ["D", "B", "A", "G", "C", "F", "E"];
        let mut turned = ids;
        turned.reverse();
        for of in 1..=9 {
            let mut dealt = Vec::new();
            for number in 1..=of {
                let shard = format!("{number}/{of}");
                let (own, reference) = self::own(&shard, &ids);
                assert!(own.len() == 7 / of || own.len() == 7 / of + 1, "{shard}: {own:?}");
                assert_eq!((own.clone(), reference.clone()), self::own(&shard, &turned), "{shard}");
                assert_eq!((reference.to_string(), reference.selected), (shard, 7));
                dealt.extend(own);
            }
            dealt.sort_unstable();
            assert_eq!(dealt, ["A", "B", "C", "D", "E", "F", "G"], "{of}");
        }
    }

    #[test]
    fn another_selection_is_told_apart() {
        let selection = |ids: &[&str]| own("1/2", ids).1.selection;
        assert_eq!(selection(&["A", "B"]), selection(&["B", "A"]));
        assert_ne!(selection(&["A", "B"]), selection(&["A", "C"]));
        assert_ne!(selection(&["A", "B"]), selection(&["AB"]));
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in
            ["", "1", "0/1", "2/1", "1/0", "a/2", "1/2/3", "-1/2", "1/10001", "1/99999999999999999999999"]
        {
            assert_eq!(text.parse::<Shard>(), Err(ShardError), "{text}");
        }
    }
}
