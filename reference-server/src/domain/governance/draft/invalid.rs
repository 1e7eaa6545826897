//! Why a write is refused.

use rust_decimal::Decimal;

/// What is wrong with a write. The text is the wire's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    /// `Customer`, `Team`, `Virtual key`, `Model`, `Key`.
    #[error("{0} name is required")]
    NameRequired(&'static str),
    #[error("name field is required")]
    RuleNameRequired,
    #[error("at least one target is required")]
    NoTargets,
    #[error("weights of targets must sum to 1")]
    WeightsNotOne,
    #[error("invalid weight: {0}")]
    Weight(String),
    #[error("invalid CEL expression: {0}")]
    Expression(String),
    #[error("invalid scope: {0}")]
    Scope(String),
    #[error("scope_id field is required when scope is not global")]
    ScopeIdRequired,
    #[error("VirtualKey cannot be attached to both Team and Customer")]
    TwoOwners,
    #[error("Budget max_limit cannot be negative: {0:.2}")]
    BudgetNegative(Decimal),
    #[error("Invalid reset duration format: {0}")]
    ResetDuration(String),
    #[error("calendar_aligned needs a reset duration of one day, week, month or year")]
    Unaligned,
    /// `token`, `request`.
    #[error("Rate limit {0}_max_limit must be greater than 0")]
    LimitNotPositive(&'static str),
    #[error("Rate limit {0} reset duration is required")]
    LimitResetRequired(&'static str),
    #[error("provider '{0}' not found")]
    ProviderUnknown(String),
    #[error("value of key '{0}' is required")]
    KeyValueRequired(String),
    #[error("key '{0}' is given twice")]
    KeyTwice(String),
    /// `Customer`, `Team`, `Virtual key`, `Routing rule`, `Model config`, `Provider`, `Key`.
    #[error("{0} not found")]
    NotFound(&'static str),
    #[error("Model config for model '{model}' {} already exists", of(.provider.as_deref()))]
    DuplicateModelConfig { model: String, provider: Option<String> },
    #[error("too many {0}")]
    TooMany(&'static str),
    #[error("{what} is longer than {most} characters")]
    TooLong { what: String, most: usize },
    /// Nothing that a write can say leads here.
    #[error("the row cannot be written: {0}")]
    Unwritable(String),
}

impl Invalid {
    /// The status that the wire gives it.
    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::NotFound(_) => 404,
            Self::DuplicateModelConfig { .. } => 409,
            Self::Unwritable(_) => 500,
            _ => 400,
        }
    }
}

fn of(provider: Option<&str>) -> String {
    provider.map_or_else(|| "(global)".to_owned(), |provider| format!("with provider '{provider}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_statuses_are_the_wires() {
        let duplicate = |provider: Option<&str>| Invalid::DuplicateModelConfig {
            model: "gpt-4o".into(),
            provider: provider.map(Into::into),
        };
        for (invalid, status, text) in [
            (Invalid::NameRequired("Virtual key"), 400, "Virtual key name is required"),
            (Invalid::NotFound("Team"), 404, "Team not found"),
            (
                Invalid::BudgetNegative("-1.5".parse().unwrap()),
                400,
                "Budget max_limit cannot be negative: -1.50",
            ),
            (
                duplicate(Some("openai")),
                409,
                "Model config for model 'gpt-4o' with provider 'openai' already exists",
            ),
            (duplicate(None), 409, "Model config for model 'gpt-4o' (global) already exists"),
        ] {
            assert_eq!((invalid.status(), invalid.to_string().as_str()), (status, text));
        }
    }
}
