//! Reads where the simulator of a gateway's providers is.

use super::file::{ControlEntry, UpstreamEntry};
use super::read::{Reader, parse_url};
use super::read_observers::OBSERVER_DEADLINE;
use super::{Secret, SimulatorPlace, Upstream};
use crate::source::written::wrappers::Located;

impl Reader<'_> {
    pub(super) fn upstream(&mut self, entry: Located<UpstreamEntry>, worlds: bool) -> Option<Upstream> {
        let (span, entry) = (entry.span, entry.value);
        let deadline = self.duration(entry.deadline.as_ref()).unwrap_or(OBSERVER_DEADLINE);
        if let Some(world) = entry.world.as_ref().filter(|_| !worlds) {
            let hint = Some("add `worlds`, which says what becomes of the answer".to_owned());
            self.note(world.call.span, "`world` goes with `worlds`", hint);
        }
        let world = match entry.world {
            None => None,
            Some(call) => Some(self.call(call)?),
        };
        let simulator = match (entry.control, entry.start) {
            (Some(control), None) => self.control(&control)?,
            (None, Some(start)) => match start.parse() {
                Ok(address) => SimulatorPlace::Start(address),
                Err(_) => {
                    let hint = Some("write a number and a port, as in `127.0.0.1:9090`".to_owned());
                    self.note(start.span, format!("`{}` is not an address to listen on", *start), hint);
                    return None;
                }
            },
            _ => {
                let hint = Some("write `control: { url: …, token: { env: … } }` or `start: …`".to_owned());
                self.note(span, "a simulator is either there or started", hint);
                return None;
            }
        };
        Some(Upstream { simulator, world, always: entry.always, deadline })
    }

    /// A simulator that runs already.
    fn control(&mut self, entry: &ControlEntry) -> Option<SimulatorPlace> {
        let url = self.template(&entry.url);
        let variable = &entry.token.env;
        self.variable(variable, variable.span);
        let token = Secret::new(variable.as_str(), self.environment.get(variable)?);
        let text = self.fill(&url?, entry.url.span)?;
        match parse_url(&text) {
            Ok(url) => Some(SimulatorPlace::At { url, token }),
            Err(error) => {
                self.note(entry.url.span, error.to_string(), None);
                None
            }
        }
    }
}
