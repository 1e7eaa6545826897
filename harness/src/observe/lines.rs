use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value};

use crate::engine::{ServiceError, Services};
use crate::scenario::Variables;
use crate::target::{LineSource, Secrets};

/// Most bytes of a file that are read for one look.
const READ_LIMIT: u64 = 256 * 1024 * 1024;

/// Lines that a gateway writes, from a place on.
#[derive(Debug)]
pub(crate) struct Lines<'s> {
    source: &'s LineSource,
    /// Bytes of the file, or lines of the answer, that were there before.
    skipped: u64,
}

/// Why lines could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinesError {
    /// The gateway did not answer as its descriptor says.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The file could not be read.
    #[error("read {path}: {source}")]
    File { path: String, source: std::io::Error },
}

impl LinesError {
    /// What went wrong, without credentials.
    pub(crate) fn told(&self, secrets: &Secrets) -> String {
        match self {
            Self::Service(error) => error.told(secrets),
            Self::File { .. } => secrets.redact(&self.to_string()).into_owned(),
        }
    }
}

impl<'s> Lines<'s> {
    /// The lines that come after now.
    pub(crate) async fn from_now(
        source: &'s LineSource,
        services: Services<'_>,
        variables: &Variables,
        alone: bool,
    ) -> Result<Self, LinesError> {
        let mut lines = Self { source, skipped: 0 };
        match source {
            // A file that is not there yet is one without lines.
            LineSource::File { path, .. } => lines.skipped = fs::metadata(path).map_or(0, |file| file.len()),
            LineSource::Http { .. } if alone => {}
            LineSource::Http { .. } => lines.skipped = lines.read(services, variables).await?.len() as u64,
        }
        Ok(lines)
    }

    /// The lines there are.
    pub(crate) async fn read(
        &self,
        services: Services<'_>,
        variables: &Variables,
    ) -> Result<Vec<Value>, LinesError> {
        match self.source {
            LineSource::File { path, pattern } => read_file(path, self.skipped, pattern.as_ref())
                .map_err(|source| LinesError::File { path: path.display().to_string(), source }),
            LineSource::Http { call, lines } => {
                let reply = services.call(call, variables).await?;
                let unexpected = |message: String| {
                    LinesError::Service(ServiceError::Unexpected {
                        call: call.path.source().to_string(),
                        message,
                    })
                };
                let path = lines
                    .fill(&services.target.templates, variables)
                    .map_err(|error| unexpected(error.to_string()))?;
                let json =
                    reply.json.as_deref().ok_or_else(|| unexpected("the answer is not JSON".to_owned()))?;
                let skipped = usize::try_from(self.skipped).unwrap_or(usize::MAX);
                Ok(path.find(json).into_iter().skip(skipped).cloned().collect())
            }
        }
    }
}

fn read_file(path: &Path, from: u64, pattern: Option<&Regex>) -> std::io::Result<Vec<Value>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // A file that was cut in between is read from its beginning.
    let start = if file.metadata()?.len() < from { 0 } else { from };
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(READ_LIMIT).read_to_end(&mut bytes)?;
    let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let text = String::from_utf8_lossy(bytes.get(..complete).unwrap_or_default());
    Ok(text.lines().filter_map(|line| parse(line, pattern)).collect())
}

/// A line as JSON; other lines are not ours.
fn parse(line: &str, pattern: Option<&Regex>) -> Option<Value> {
    let Some(pattern) = pattern else { return serde_json::from_str(line).ok() };
    let captures = pattern.captures(line)?;
    if let Some(json) = captures.name("json") {
        return serde_json::from_str(json.as_str()).ok();
    }
    let members: Map<_, _> = pattern
        .capture_names()
        .flatten()
        .filter_map(|name| captures.name(name).map(|value| (name.to_owned(), Value::from(value.as_str()))))
        .collect();
    Some(members.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    #[test]
    fn reads_whole_lines_after_a_place_and_skips_what_is_not_json() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"{\"a\":1}\n").unwrap();
        let from = file.as_file().metadata().unwrap().len();
        file.write_all(b"plain\n{\"a\":2}\n{\"a\":3").unwrap();
        assert_eq!(read_file(file.path(), from, None).unwrap(), [json!({"a": 2})]);
        assert_eq!(read_file(Path::new("/does/not/exist"), 0, None).unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn a_pattern_takes_json_or_members_out_of_a_line() {
        let json_group = Regex::new(r"^\S+ billing (?<json>\{.*\})$").unwrap();
        assert_eq!(parse(r#"12:00 billing {"m":1}"#, Some(&json_group)), Some(json!({"m": 1})));
        assert_eq!(parse("12:00 other", Some(&json_group)), None);
        let members = Regex::new(r"model=(?<model>\S+) in=(?<input>\d+)").unwrap();
        assert_eq!(parse("x model=a in=3", Some(&members)), Some(json!({"model": "a", "input": "3"})));
    }
}
