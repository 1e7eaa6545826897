//! The runner as its callers meet it: what it reads, what it sends, and what it makes of the answers.

#[cfg(test)]
mod clocks;
#[cfg(test)]
mod features;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod lint;
#[cfg(test)]
mod observers;
#[cfg(test)]
mod own_keys;
#[cfg(test)]
mod polling;
#[cfg(test)]
mod portable;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod running;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod support;
#[cfg(test)]
mod twins;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod upstream_misses;
#[cfg(test)]
mod upstream_streams;
#[cfg(test)]
mod upstream_words;
#[cfg(test)]
mod verdicts;
