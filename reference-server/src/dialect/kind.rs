use std::fmt;
use std::str::FromStr;

/// A wire that the gateway speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's: chat completions, responses, embeddings, models. At the root Anthropic's messages stand beside it.
    #[default]
    Openai,
    /// Anthropic's: messages, token counts, models.
    Anthropic,
    /// Gemini's: content generation, token counts, embeddings, models.
    Gemini,
    /// The framework API under `/api/v1`: chat completions, embeddings, models.
    Gsai,
    /// Bedrock's: conversations at once and in a binary stream, and what models embed.
    Bedrock,
    /// Vertex AI's: Gemini's wire under projects and locations, and predictions of text embeddings.
    Vertex,
    /// Bifrost's: inference for many tenants on OpenAI's wire, jobs, and what governs them.
    Bifrost,
}

/// A name that is no dialect's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no dialect {0:?}; the dialects are openai, anthropic, gemini, gsai, bedrock, vertex and bifrost"
)]
pub struct UnknownDialect(pub String);

impl Dialect {
    /// Every dialect, in the order of documentation.
    pub const ALL: [Self; 7] =
        [Self::Openai, Self::Anthropic, Self::Gemini, Self::Gsai, Self::Bedrock, Self::Vertex, Self::Bifrost];

    /// The name on the command line, in the catalog and, behind `/~`, in paths.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Gsai => "gsai",
            Self::Bedrock => "bedrock",
            Self::Vertex => "vertex",
            Self::Bifrost => "bifrost",
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
        let named = Self::ALL.into_iter().find(|dialect| dialect.name() == name);
        named.ok_or_else(|| UnknownDialect(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.to_string().parse(), Ok(dialect));
        }
        assert_eq!("cohere".parse::<Dialect>(), Err(UnknownDialect("cohere".to_owned())));
    }
}
