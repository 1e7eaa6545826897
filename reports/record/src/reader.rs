use std::io::{BufRead, Read};

use thiserror::Error;

use crate::{Event, FORMAT};

/// Longest line of a record that is read, in bytes.
const LINE_LIMIT: u64 = 64 * 1024 * 1024;

/// Why a record could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be read.
    #[error("read line {line}: {source}")]
    Io {
        /// Line, from 1.
        line: usize,
        /// The cause.
        source: std::io::Error,
    },
    /// A line is not an event.
    #[error("understand line {line}: {source}")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// The cause.
        source: serde_json::Error,
    },
    /// A line is longer than any that is written.
    #[error("read line {line}: it is longer than {LINE_LIMIT} bytes")]
    TooLong {
        /// Line, from 1.
        line: usize,
    },
    /// The record was written by a later version.
    #[error("read a record of format {found}: this version knows {FORMAT}")]
    Format {
        /// The format that the record states.
        found: u32,
    },
}

/// Reads a record, one event at a time, so that its length does not matter.
pub fn read(mut input: impl BufRead) -> impl Iterator<Item = Result<Event, ReadError>> {
    let mut number = 0;
    let mut line = Vec::new();
    let mut ended = false;
    std::iter::from_fn(move || {
        while !ended {
            number += 1;
            line.clear();
            let read = input.by_ref().take(LINE_LIMIT + 1).read_until(b'\n', &mut line);
            let event = match read {
                Ok(0) => {
                    ended = true;
                    return None;
                }
                Ok(length) if length as u64 > LINE_LIMIT => Err(ReadError::TooLong { line: number }),
                Ok(_) if line.iter().all(u8::is_ascii_whitespace) => continue,
                Ok(_) => parse(&line, number),
                Err(source) => Err(ReadError::Io { line: number, source }),
            };
            ended = event.is_err();
            return Some(event);
        }
        None
    })
}

fn parse(line: &[u8], number: usize) -> Result<Event, ReadError> {
    let event =
        serde_json::from_slice(line).map_err(|source| ReadError::Malformed { line: number, source })?;
    match event {
        Event::RunStarted(started) if started.format > FORMAT => {
            Err(ReadError::Format { found: started.format })
        }
        event => Ok(event),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RunFinished, ScenarioStarted, Tally};

    fn line(event: &Event) -> String {
        serde_json::to_string(event).unwrap()
    }

    #[test]
    fn reads_what_is_written_and_skips_blank_lines() {
        let started = Event::ScenarioStarted(ScenarioStarted { scenario: "A".into(), attempt: 1 });
        let finished = Event::RunFinished(RunFinished {
            tally: Tally { passed: 2, ..Tally::default() },
            interrupted: false,
            duration_us: 12,
        });
        let text = format!("{}\n\n{}\n", line(&started), line(&finished));
        let events: Vec<_> = read(text.as_bytes()).map(Result::unwrap).collect();
        assert_eq!(events, [started, finished]);
    }

    #[test]
    fn reads_a_record_from_before_there_were_expectations() {
        let text = r#"{"run-finished":{"tally":{"passed":0,"failed":1,"error":0,"unsupported":0,"not_testable":0,"disabled":0,"warnings":0,"flaky":0},"interrupted":false,"duration_us":1}}"#;
        let Some(Ok(Event::RunFinished(finished))) = read(text.as_bytes()).next() else { panic!("unread") };
        assert_eq!(finished.tally, Tally { failed: 1, ..Tally::default() });
        let text = r#"{"name":"A","observer":null,"verdict":"failed","reason":null,"misses":[],"verifies":[],"checks":1}"#;
        assert_eq!(serde_json::from_str::<crate::Case>(text).unwrap().expectation, None);
    }

    #[test]
    fn reads_a_contract_from_before_its_requirements_were_kept() {
        let text = r#"{"name":"gsai","version":"1","digest":"d"}"#;
        let contract: crate::ContractRef = serde_json::from_str(text).unwrap();
        assert!(contract.requirements.is_empty());
        assert_eq!(serde_json::to_string(&contract).unwrap(), text);
    }

    #[test]
    fn stops_at_the_first_bad_line_and_names_it() {
        let text = "{\"scenario-started\":{\"scenario\":\"A\",\"attempt\":1}}\n{oops\n{}\n";
        let results: Vec<_> = read(text.as_bytes()).collect();
        assert_eq!(results.len(), 2);
        assert!(matches!(results[1], Err(ReadError::Malformed { line: 2, .. })));
    }

    #[test]
    fn refuses_a_later_format() {
        let text = r#"{"run-started":{"format":99,"plumbline":"9","started_at":"","contracts":[],"target":{"name":"","url":"","digest":""},"selected":0,"seed":null,"jobs":1,"retries":0}}"#;
        assert!(matches!(read(text.as_bytes()).next(), Some(Err(ReadError::Format { found: 99 }))));
    }
}
