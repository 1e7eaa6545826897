use plumbline_record::Level;
use serde::{Deserialize, Serialize};

/// A requirement that is to be proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// Its id within its contract.
    pub id: String,
    /// The contract that lists it.
    pub contract: String,
    /// How binding it is.
    pub level: Level,
    /// What it demands, in one line.
    pub text: String,
}

/// A way in which the reference gateway can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defect {
    /// Its id.
    pub id: String,
    /// The requirements that no longer hold with it.
    pub breaks: Vec<String>,
    /// What the gateway does wrong.
    pub text: String,
    /// Whether a real product does it.
    pub wild: bool,
}
