//! The reference gateway: every contract's dialect over one domain.
//!
//! [`bind`] takes a port and opens the state; [`Server::run`] serves. One process has many *worlds*, each a
//! gateway of its own under `/~w/<id>/`, made and inspected through the control API under `/~control/`. What a
//! gateway can do wrong on purpose is in [`defect`]. The other side of a gateway, the providers, is played by
//! [`upstream`].

mod aside;
pub mod brain;
mod config;
mod connection;
mod control;
pub mod defect;
mod dialect;
pub mod domain;
mod gateway;
mod hexadecimal;
mod intake;
mod meant;
mod percent;
pub mod provider;
mod route;
mod server;
mod settings;
mod start;
mod store;
mod unread;
pub mod upstream;

pub use config::{Config, ConfigMistake, config_schema};
pub use defect::{Defect, DefectInfo, catalogue};
pub use dialect::{Dialect, UnknownDialect};
pub use server::Server;
pub use settings::{LogSink, RoleKey, Settings};
pub use start::{StartError, bind};
pub use store::OpenError;
