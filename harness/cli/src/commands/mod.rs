//! One command a file: settings in, exit code out.

mod coverage;
mod defects;
mod expect;
mod explain;
mod lint;
mod list;
mod markdown;
mod merge;
mod prove;
mod proving;
mod report;
mod run;
mod schema;
mod serve;
mod serving;
mod statement;
mod target;
mod upstream;

pub(crate) use coverage::coverage;
pub(crate) use defects::defects;
pub(crate) use expect::expect;
pub(crate) use explain::explain;
pub(crate) use lint::lint;
pub(crate) use list::list;
pub(crate) use prove::prove;
pub(crate) use report::report;
pub(crate) use run::run;
pub(crate) use schema::schema;
pub(crate) use serve::serve;
pub(crate) use statement::statement;
pub(crate) use upstream::upstream;
