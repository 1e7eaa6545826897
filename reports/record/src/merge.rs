use std::io::{self, BufRead, Write};

use thiserror::Error;

use crate::{Disagreement, Event, ReadError, RunFinished, RunStarted, ShardRef, Tally, read};

/// Why records could not be merged.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A record could not be read.
    #[error("read {record}: {source}")]
    Read {
        /// The record's name.
        record: String,
        /// The cause.
        source: ReadError,
    },
    /// The merged record could not be written.
    #[error("write the merged record: {0}")]
    Write(#[from] io::Error),
    /// A record says nothing of what it is of, or holds more than one run.
    #[error("merge {record}: it is not the record of one run")]
    NoRun {
        /// The record's name.
        record: String,
    },
    /// A record lacks its last line.
    #[error("merge {record}: it is cut short, so that nobody knows what else the shard decided")]
    CutShort {
        /// The record's name.
        record: String,
    },
    /// A record is whole by itself.
    #[error("merge {record}: it is of a whole run, not of a shard")]
    Whole {
        /// The record's name.
        record: String,
    },
    /// Two records are not of one run.
    #[error("merge {second} with {first}: {why}")]
    Apart {
        /// A record's name.
        first: String,
        /// The other's.
        second: String,
        /// What tells them apart.
        why: Disagreement,
    },
    /// Not all shards are there.
    #[error("merge the records: shard {missing}/{of} is missing")]
    Missing {
        /// The first shard that is missing.
        missing: usize,
        /// How many there are to be.
        of: usize,
    },
}

/// Merges the records of all shards of a run into the record that the whole run would have had, but for its times.
///
/// `records` are names and texts. They are read one event at a time, so that their length does not matter.
///
/// # Errors
/// When a record cannot be read, is not of a shard, or not of the same run as the others, and when a shard is missing.
pub fn merge<R: BufRead>(
    records: impl IntoIterator<Item = (String, R)>,
    mut out: impl Write,
) -> Result<RunFinished, MergeError> {
    let opened = records.into_iter().map(|(name, record)| open(name, read(record)));
    let mut parts = opened.collect::<Result<Vec<_>, _>>()?;
    parts.sort_by_key(|part| part.shard.number);
    write(&Event::RunStarted(joined(&parts)?), &mut out)?;
    let mut whole = RunFinished { tally: Tally::default(), interrupted: false, duration_us: 0 };
    for part in parts {
        let ended = copy(part, &mut out)?;
        whole.tally.join(ended.tally);
        whole.interrupted |= ended.interrupted;
        whole.duration_us = whole.duration_us.saturating_add(ended.duration_us);
    }
    write(&Event::RunFinished(whole.clone()), &mut out)?;
    out.flush()?;
    Ok(whole)
}

/// A record of which the first line is read.
struct Part<I> {
    name: String,
    started: RunStarted,
    shard: ShardRef,
    rest: I,
}

fn open<I>(record: String, mut events: I) -> Result<Part<I>, MergeError>
where
    I: Iterator<Item = Result<Event, ReadError>>,
{
    match events.next() {
        Some(Ok(Event::RunStarted(started))) => match started.shard.clone() {
            Some(shard) => Ok(Part { name: record, started, shard, rest: events }),
            None => Err(MergeError::Whole { record }),
        },
        Some(Err(source)) => Err(MergeError::Read { record, source }),
        Some(Ok(_)) | None => Err(MergeError::NoRun { record }),
    }
}

/// What all parts together are, where they are of one run. They come in the order of their numbers.
fn joined<I>(parts: &[Part<I>]) -> Result<RunStarted, MergeError> {
    let Some((first, others)) = parts.split_first() else {
        return Err(MergeError::Missing { missing: 1, of: 1 });
    };
    for (one, next) in parts.iter().zip(others) {
        agree(one, next).map_err(|why| MergeError::Apart {
            first: one.name.clone(),
            second: next.name.clone(),
            why,
        })?;
    }
    let of = first.shard.of;
    // Each number is there once, so the first that is not in its place tells which is missing.
    let numbers = parts.iter().map(|part| part.shard.number);
    let misplaced = numbers.zip(1..).find(|(number, place)| number != place).map(|(_, place)| place);
    if let Some(missing) = misplaced.or((parts.len() != of).then_some(parts.len() + 1)) {
        return Err(MergeError::Missing { missing, of });
    }
    let starts = parts.iter().map(|part| &part.started);
    let seed = first.started.seed.filter(|seed| starts.clone().all(|started| started.seed == Some(*seed)));
    Ok(RunStarted {
        started_at: starts.clone().map(|started| &started.started_at).min().cloned().unwrap_or_default(),
        selected: first.shard.selected,
        seed,
        jobs: starts.map(|started| started.jobs).max().unwrap_or_default(),
        shard: None,
        ..first.started.clone()
    })
}

fn agree<I>(one: &Part<I>, other: &Part<I>) -> Result<(), Disagreement> {
    one.started.agree(&other.started)?;
    let Part { shard, .. } = one;
    if shard.number == other.shard.number { Err(Disagreement::Twice(shard.to_string())) } else { Ok(()) }
}

/// Writes what happened in a shard, and gives its end.
fn copy<I>(part: Part<I>, out: &mut impl Write) -> Result<RunFinished, MergeError>
where
    I: Iterator<Item = Result<Event, ReadError>>,
{
    let Part { name: record, rest, .. } = part;
    let mut ended = None;
    for event in rest {
        match event {
            Ok(Event::RunFinished(finished)) if ended.is_none() => ended = Some(finished),
            // Behind its end a record holds nothing of the same run, and before it no other beginning.
            Ok(Event::RunStarted(_)) => return Err(MergeError::NoRun { record }),
            Ok(_) if ended.is_some() => return Err(MergeError::NoRun { record }),
            Ok(event) => write(&event, out)?,
            Err(source) => return Err(MergeError::Read { record, source }),
        }
    }
    ended.ok_or(MergeError::CutShort { record })
}

fn write(event: &Event, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, event)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ContractRef, ScenarioStarted, TargetRef};

    fn started(number: usize, of: usize) -> RunStarted {
        RunStarted {
            format: crate::FORMAT,
            plumbline: "0.1.0".into(),
            started_at: format!("2026-01-02T03:04:0{number}Z"),
            contracts: vec![ContractRef {
                name: "gsai".into(),
                version: "1".into(),
                digest: "d".into(),
                requirements: Vec::new(),
            }],
            target: TargetRef {
                name: "mine".into(),
                url: format!("http://127.0.0.1:400{number}/"),
                digest: "d".into(),
                configuration: None,
            },
            selected: 1,
            seed: Some(7),
            jobs: number,
            retries: 0,
            expectations: Some("e".into()),
            shard: Some(ShardRef { number, of, selected: of, selection: "s".into() }),
            arguments: vec!["SEQ_*".into()],
        }
    }

    /// A record in which one scenario began.
    fn lines(started: &RunStarted, end: Option<Tally>) -> String {
        let number = started.shard.as_ref().map_or(0, |shard| shard.number);
        let scenario = ScenarioStarted { scenario: format!("S{number}"), attempt: 1 };
        let end = end.map(|tally| RunFinished { tally, interrupted: false, duration_us: 5 });
        let events = [Event::RunStarted(started.clone()), Event::ScenarioStarted(scenario)];
        let events = events.into_iter().chain(end.map(Event::RunFinished));
        events.map(|event| serde_json::to_string(&event).unwrap() + "\n").collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "a record may lack its end")]
    fn passed(passed: usize) -> Option<Tally> {
        Some(Tally { passed, ..Tally::default() })
    }

    fn merged(records: &[String]) -> Result<Vec<Event>, String> {
        let mut out = Vec::new();
        let named = records.iter().enumerate().map(|(number, text)| (format!("r{number}"), text.as_bytes()));
        merge(named, &mut out).map_err(|error| error.to_string())?;
        Ok(read(out.as_slice()).map(Result::unwrap).collect())
    }

    #[test]
    fn shards_become_one_run_whatever_their_order() {
        let (one, two) = (lines(&started(1, 2), passed(3)), lines(&started(2, 2), passed(4)));
        let events = merged(&[two.clone(), one.clone()]).unwrap();
        assert_eq!(events, merged(&[one, two]).unwrap());
        let Event::RunStarted(whole) = &events[0] else { panic!("{events:?}") };
        let expected = RunStarted { selected: 2, jobs: 2, shard: None, ..started(1, 2) };
        assert_eq!(whole, &expected);
        let ids: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::ScenarioStarted(started) => Some(started.scenario.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(ids, ["S1", "S2"]);
        let Some(Event::RunFinished(end)) = events.last() else { panic!("{events:?}") };
        assert_eq!((end.tally.passed, end.duration_us, end.interrupted), (7, 10, false));
    }

    #[test]
    fn a_seed_is_kept_where_all_have_it() {
        let other = RunStarted { seed: Some(8), ..started(2, 2) };
        let events = merged(&[lines(&started(1, 2), passed(1)), lines(&other, passed(1))]).unwrap();
        assert!(matches!(&events[0], Event::RunStarted(whole) if whole.seed.is_none()), "{events:?}");
    }

    #[test]
    fn what_is_not_of_one_run_is_refused() {
        let one = started(1, 2);
        let of = |change: &dyn Fn(&mut RunStarted)| {
            let mut two = started(2, 2);
            change(&mut two);
            lines(&two, passed(1))
        };
        let shard = |change: &dyn Fn(&mut ShardRef)| of(&|started| change(started.shard.as_mut().unwrap()));
        for (second, part) in [
            (of(&|two| two.plumbline = "0.2.0".into()), "Plumbline 0.1.0 and 0.2.0"),
            (of(&|two| two.contracts[0].digest = "e".into()), "the contract `gsai` is not the same"),
            (of(&|two| two.contracts[0].version = "2".into()), "the contract `gsai` is not the same"),
            (of(&|two| two.target.digest = "e".into()), "their targets are not the same"),
            (of(&|two| two.target.url = "http://example.com/".into()), "their targets are not the same"),
            (of(&|two| two.target.url += "other"), "their targets are not the same"),
            (of(&|two| two.target.url = "https://127.0.0.1:4002/".into()), "their targets are not the same"),
            (of(&|two| two.target.name = "yours".into()), "their targets are not the same"),
            (of(&|two| two.expectations = Some("f".into())), "different files of expected failures"),
            (of(&|two| two.expectations = None), "different files of expected failures"),
            (of(&|two| two.retries = 1), "0 and 1 retries"),
            (of(&|two| two.arguments = vec!["EC_*".into()]), "different arguments: `SEQ_*` and `EC_*`"),
            (of(&|two| two.shard = None), "merge r1: it is of a whole run"),
            (shard(&|two| two.of = 3), "one is of 2 shards, the other of 3"),
            (shard(&|two| two.selection = "t".into()), "different selections"),
            (shard(&|two| two.number = 1), "merge r1 with r0: both are shard 1/2"),
            (shard(&|two| two.number = 3), "shard 2/2 is missing"),
            (lines(&started(2, 2), None), "merge r1: it is cut short"),
            (lines(&started(2, 2), passed(1)).repeat(2), "merge r1: it is not the record of one run"),
            (String::new(), "merge r1: it is not the record of one run"),
            ("{oops\n".to_owned(), "read r1: understand line 1"),
        ] {
            let error = merged(&[lines(&one, passed(1)), second]).unwrap_err();
            assert!(error.contains(part), "{error} does not say {part}");
        }
        assert!(merged(&[lines(&one, passed(1))]).unwrap_err().contains("shard 2/2 is missing"));
        assert!(merged(&[lines(&started(2, 2), passed(1))]).unwrap_err().contains("shard 1/2 is missing"));
        assert!(merged(&[]).is_err());
    }
}
