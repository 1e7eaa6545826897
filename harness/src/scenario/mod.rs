//! The model: what a scenario is, whoever wrote it in whatever notation. No I/O.

mod check;
mod contract;
mod path;
mod pattern;
mod selector;
mod step;
mod template;
mod value;

pub use check::{Check, CheckLevel, Kind, Matcher, Quantifier, Subject};
pub use contract::{BillingRequirements, Contract, Requirement};
pub use path::{CompiledPath, Path, PathError};
pub use pattern::{Pattern, PatternError};
pub use selector::{Selector, SelectorError};
pub use step::{
    Action, Alternative, BillExpectation, Body, Call, Capture, CaptureShape, Expect, KeyUsed, LogExpectation,
    Scenario, Step,
};
pub use template::{ReadFixture, Template, TemplateError, Templates, Variables};
pub use value::{Shape, ShapeNode};
