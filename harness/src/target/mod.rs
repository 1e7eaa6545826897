//! What is known of the gateway under test: its address, credentials, models, capabilities, and how it is observed.

mod at_url;
mod clock;
mod descriptor;
mod environment;
mod file;
mod offer;
mod read;
mod read_clock;
mod read_observers;
mod read_offers;
mod read_upstream;
mod recorded;
mod secrets;
mod service;
mod upstream;
mod words;

pub use at_url::at_url;
pub use clock::Clock;
pub use descriptor::{
    BillingObserver, Delivery, Faults, KeyManagement, KeyObserver, Limits, LineSource, LogObserver,
    MarkerCall, Mint, Model, Price, Role, Served, Target, Worlds,
};
pub use environment::Environment;
pub use offer::{Offer, Offers};
pub(crate) use read::hex;
pub use read::{TargetError, descriptor_schema, read};
pub use secrets::{Secret, Secrets};
pub use service::ServiceCall;
pub use upstream::{SimulatorPlace, Upstream};
pub use words::{Contracts, Word, read_against, unknown_words};
