//! Changes of the rows, each checked as a whole: a refused one changes nothing.

mod customers;
mod edit;
mod forms;
mod invalid;
mod limits;
mod model_configs;
mod names;
mod providers;
mod rules;
mod teams;
#[cfg(test)]
mod tests;
mod virtual_keys;

pub(crate) use edit::Draft;
pub(crate) use forms::{
    BudgetForm, ConfigForm, CustomerForm, KeyForm, LimitForm, ModelConfigForm, Patch, RuleForm, TargetForm,
    TeamForm, VirtualKeyForm,
};
pub(crate) use invalid::Invalid;
