//! The command that does a run again: as the record tells it, or as whoever writes the statement gives it.

use plumbline_record::RunStarted;
use thiserror::Error;

use super::{Finding, Statement};
use crate::curl::word;
use crate::printable::is_hazard;

/// Most characters of a command that is given.
const LONGEST: usize = 1000;

/// Why a command that is given cannot stand in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is nothing to be typed.
    #[error("it is empty")]
    Empty,
    /// Nobody types that.
    #[error("it has more than {} characters", LONGEST)]
    TooLong,
    /// It would be shown as something else than it is.
    #[error("it is not one line, or has a character that steers what shows it")]
    NotOneLine,
}

impl Statement {
    /// With this command in place of the record's: one that a run needs whose gateway has to be set up first.
    ///
    /// # Errors
    /// When it cannot stand in a statement.
    pub fn reproduced_by(self, command: String) -> Result<Self, CommandError> {
        check(&command)?;
        Ok(Self { reproduce: command, reproduce_given: true, ..self })
    }

    /// Whether the command, where it is given, can stand in a statement.
    pub(super) fn check_command(&self, findings: &mut Vec<Finding>) {
        if let Err(error) = check(&self.reproduce)
            && self.reproduce_given
        {
            let message = format!("this is no command that can be given: {error}");
            findings.push(Finding::new(["reproduce"], message));
        }
    }
}

fn check(command: &str) -> Result<(), CommandError> {
    if command.trim().is_empty() {
        Err(CommandError::Empty)
    } else if command.chars().nth(LONGEST).is_some() {
        Err(CommandError::TooLong)
    } else if command.contains(|c: char| c == '\n' || is_hazard(c)) {
        Err(CommandError::NotOneLine)
    } else {
        Ok(())
    }
}

/// The command of a record.
pub(super) fn recorded(started: &RunStarted) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,=@%+".contains(c);
    let mut command = "plumbline run".to_owned();
    for argument in &started.arguments {
        command.push(' ');
        if !argument.is_empty() && argument.chars().all(is_plain) {
            command.push_str(argument);
        } else {
            command.push_str(&word(argument));
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_line_that_somebody_can_type() {
        assert_eq!(check("ci/peers/run litellm 'SEQ_*' --tags \"p0 and ünï\""), Ok(()));
        assert_eq!(check(&"a".repeat(LONGEST)), Ok(()));
        for (command, error) in [
            (String::new(), CommandError::Empty),
            (" ".to_owned(), CommandError::Empty),
            ("ü".repeat(LONGEST + 1), CommandError::TooLong),
            ("one\ntwo".to_owned(), CommandError::NotOneLine),
            ("one\ttwo".to_owned(), CommandError::NotOneLine),
            ("\u{1b}[2J".to_owned(), CommandError::NotOneLine),
            ("a\u{202e}b".to_owned(), CommandError::NotOneLine),
        ] {
            assert_eq!(check(&command), Err(error), "{command:?}");
        }
    }
}
