use std::fmt;
use std::str::FromStr;

/// A wire that the gateway speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// The framework API under `/api/v1`: chat completions, embeddings, models.
    #[default]
    Gsai,
}

/// A name that is no dialect's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no dialect {0:?}; the only one is \"gsai\"")]
pub struct UnknownDialect(pub String);

impl Dialect {
    /// The name on the command line and, behind `/~`, in paths.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsai => "gsai",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "gsai" => Ok(Self::Gsai),
            _ => Err(UnknownDialect(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back() {
        assert_eq!(Dialect::Gsai.to_string().parse(), Ok(Dialect::Gsai));
        assert_eq!("openai".parse::<Dialect>(), Err(UnknownDialect("openai".to_owned())));
    }
}
