//! What is known of a defect, and what is said where there is no such defect.

use std::fmt;

use serde::Serialize;

use super::Defect;

/// What is known of a defect.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DefectInfo {
    /// The name in control calls and on the command line.
    pub id: &'static str,
    /// The requirements that no longer hold.
    pub breaks: &'static [&'static str],
    /// What the gateway does wrong.
    pub text: &'static str,
    /// Whether a real product does it.
    pub seen_in_the_wild: bool,
    /// The defect.
    #[serde(skip)]
    pub defect: Defect,
}

/// An id that is no defect's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDefect {
    /// What was asked for.
    pub id: String,
    /// The id that looks most like it.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no defect {:?}", self.id)?;
        self.nearest.map_or(Ok(()), |nearest| write!(f, "; did you mean {nearest:?}?"))
    }
}

impl std::error::Error for UnknownDefect {}
