//! What a gateway is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::config::Config;
use crate::defect::Defect;
use crate::dialect::Dialect;

/// How to start a gateway.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen; port 0 for a free one.
    pub listen: SocketAddr,
    /// What the root of the gateway speaks. Every dialect is also mounted under `/~<name>/`.
    pub dialect: Dialect,
    /// The file that keeps the state; without one it ends with the process.
    pub state: Option<PathBuf>,
    /// Whether a call is answered only when its billing event is on disk.
    pub durable: bool,
    /// What the control API asks for; without one a random token is made.
    pub control_token: Option<String>,
    /// Where log lines go, beside the newest ones that the control API shows.
    pub log: LogSink,
    /// The defects of the default world, which new worlds start with as well.
    pub defects: Vec<Defect>,
    /// The largest body that is taken, in bytes.
    pub body_limit: usize,
    /// Who answers for which model; without one it is the mock for all of them.
    pub config: Config,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            dialect: Dialect::default(),
            state: None,
            durable: false,
            control_token: None,
            log: LogSink::None,
            defects: Vec::new(),
            body_limit: 64 * 1024 * 1024,
            config: Config::default(),
        }
    }
}

/// Where log lines go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogSink {
    /// Nowhere.
    #[default]
    None,
    /// To the standard error stream, as JSON lines.
    Stderr,
    /// To the end of a file, as JSON lines.
    File(PathBuf),
}

/// A fixture key of the default world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleKey {
    /// The role that it stands for, such as `chat_only`.
    pub role: String,
    /// What to send as the bearer token.
    pub secret: String,
    /// What it may do.
    pub scopes: Vec<String>,
}
