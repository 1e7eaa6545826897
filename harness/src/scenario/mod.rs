//! The model: what a scenario is, whoever wrote it in whatever notation. No I/O.

mod check;
mod contract;
mod functions;
mod path;
mod pattern;
mod pdf;
mod selector;
mod step;
mod template;
mod value;

pub use check::{Check, CheckLevel, Kind, Matcher, Quantifier, Subject};
pub use contract::{BillingRequirements, Contract, Requirement};
pub use functions::ReadFixture;
pub use path::{CompiledPath, Path, PathError};
pub use pattern::{Pattern, PatternError};
pub use selector::{Selector, SelectorError};
pub use step::{
    Action, Alternative, BillExpectation, Body, Call, Capture, CaptureShape, Encoding, Expect, KeyUsed,
    LogExpectation, Raw, Scenario, Step,
};
pub use template::{Template, TemplateError, Templates, Variables};
pub use value::{Shape, ShapeNode};
