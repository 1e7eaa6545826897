//! The gateway as its clients meet it: through its port.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod auth;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod chat;
#[cfg(test)]
mod control;
#[cfg(test)]
mod defects;
#[cfg(test)]
mod embeddings;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod http;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod models;
#[cfg(test)]
mod state;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod support;
#[cfg(test)]
mod worlds;
