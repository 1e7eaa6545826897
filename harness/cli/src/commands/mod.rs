//! One command a file: settings in, exit code out.

mod defects;
mod lint;
mod markdown;
mod report;
mod run;
mod schema;
mod serve;
mod target;

pub(crate) use defects::defects;
pub(crate) use lint::lint;
pub(crate) use report::report;
pub(crate) use run::run;
pub(crate) use schema::schema;
pub(crate) use serve::serve;
