//! What a write says, without a word of its wire. A member that is `None` or kept is absent from it.

use rust_decimal::Decimal;
use serde_json::{Number, Value};

use crate::provider::http::Secret;

/// What becomes of something that may be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Patch<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It is this.
    Set(T),
}

impl<T> Patch<T> {
    /// The same, where what is absent goes.
    pub(super) fn or_clear(self, clears: bool) -> Self {
        match self {
            Self::Keep if clears => Self::Clear,
            patch => patch,
        }
    }
}

/// A budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BudgetForm {
    /// US dollars.
    pub(crate) max_limit: Decimal,
    pub(crate) reset_duration: String,
    pub(crate) calendar_aligned: bool,
}

/// A rate limit; one without a maximum is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LimitForm {
    pub(crate) token_max: Option<i64>,
    pub(crate) token_reset: Option<String>,
    pub(crate) request_max: Option<i64>,
    pub(crate) request_reset: Option<String>,
}

/// A customer.
#[derive(Clone, Debug, Default)]
pub(crate) struct CustomerForm {
    pub(crate) name: Option<String>,
    pub(crate) budget: Patch<BudgetForm>,
    pub(crate) rate_limit: Patch<LimitForm>,
}

/// A team.
#[derive(Clone, Debug, Default)]
pub(crate) struct TeamForm {
    pub(crate) name: Option<String>,
    /// The customer's id; an empty one is none.
    pub(crate) customer: Patch<String>,
    pub(crate) budget: Patch<BudgetForm>,
    pub(crate) rate_limit: Patch<LimitForm>,
}

/// What a virtual key may do with a provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConfigForm {
    /// Of one that is there already, whose meters then stay.
    pub(crate) id: Option<u64>,
    pub(crate) provider: String,
    pub(crate) weight: Option<Number>,
    pub(crate) allowed_models: Vec<String>,
    pub(crate) key_ids: Vec<String>,
    pub(crate) budget: Patch<BudgetForm>,
    pub(crate) rate_limit: Patch<LimitForm>,
}

/// A virtual key.
#[derive(Clone, Debug, Default)]
pub(crate) struct VirtualKeyForm {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) is_active: Option<bool>,
    /// The team's id; an empty one is none.
    pub(crate) team: Patch<String>,
    /// The customer's id; an empty one is none.
    pub(crate) customer: Patch<String>,
    /// All of them; those that are not here go.
    pub(crate) configs: Option<Vec<ConfigForm>>,
    pub(crate) mcp_configs: Option<Vec<Value>>,
    pub(crate) budget: Patch<BudgetForm>,
    pub(crate) rate_limit: Patch<LimitForm>,
}

/// A routing rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleForm {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) enabled: Option<bool>,
    pub(crate) cel_expression: Option<String>,
    pub(crate) targets: Option<Vec<TargetForm>>,
    pub(crate) fallbacks: Option<Vec<String>>,
    pub(crate) scope: Option<String>,
    pub(crate) scope_id: Patch<String>,
    pub(crate) priority: Option<i64>,
}

/// Where a rule sends a call.
#[derive(Clone, Debug)]
pub(crate) struct TargetForm {
    pub(crate) provider: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) key_id: Option<String>,
    pub(crate) weight: Number,
}

/// The budget and limit of a model.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelConfigForm {
    pub(crate) model: Option<String>,
    pub(crate) provider: Patch<String>,
    pub(crate) budget: Patch<BudgetForm>,
    pub(crate) rate_limit: Patch<LimitForm>,
}

/// A provider's key.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyForm {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    /// The credential; where there is none, the one that it has stays.
    pub(crate) value: Option<Secret>,
    pub(crate) models: Vec<String>,
    pub(crate) weight: Option<Number>,
}
