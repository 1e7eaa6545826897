//! The model: what a scenario is, whoever wrote it in whatever notation. No I/O.

mod call;
mod check;
mod contract;
mod dialect;
mod functions;
mod order;
mod path;
mod pattern;
mod pdf;
mod poll;
mod selector;
mod step;
mod stream;
mod template;
mod upstream;
mod value;

pub use call::{Body, Call, Encoding, Raw};
pub use check::{Check, CheckLevel, Kind, Matcher, Quantifier, Subject};
pub use contract::{BillingRequirements, Contract, Credential, Requirement};
pub use dialect::{Dialect, Place, Request};
pub use functions::ReadFixture;
pub use order::{Order, OrderError};
pub use path::{CompiledPath, Path, PathError};
pub use pattern::{Pattern, PatternError};
pub use poll::Poll;
pub use selector::{Selector, SelectorError};
pub use step::{
    Action, Alternative, BillExpectation, Capture, CaptureShape, Expect, KeyUsed, LogExpectation, OBSERVERS,
    Scenario, Step, UPSTREAM,
};
pub use stream::{
    Clause, DataFormat, Ending, EventKind, Join, JoinMode, StreamExpectation, StreamKind, Terminator,
};
pub use template::{Template, TemplateError, Templates, Variables};
pub use upstream::{CallCount, CallOutcome, Gate, Lacking, UpstreamExpectation};
pub use value::{Shape, ShapeNode};
