use std::fmt;

use plumbline_record::{Body, Exchange, Outcome};

use crate::duration::human;
use crate::printable::{cut, printable};

/// Characters of a body that are shown unless said otherwise.
const BODY_LIMIT: usize = 4_000;

/// Exchanges as text, for a person who asks what was really sent and received.
///
/// Each begins with its step and duration, then the request behind `>` and the response behind `<`, or the reason
/// behind `!` why there was none. Long bodies are cut, and what is missing is said.
#[derive(Clone, Copy, Debug)]
pub struct Transcript<'a> {
    exchanges: &'a [Exchange],
    body_limit: usize,
}

impl<'a> Transcript<'a> {
    /// A transcript of these exchanges, in their order.
    pub fn new(exchanges: &'a [Exchange]) -> Self {
        Self { exchanges, body_limit: BODY_LIMIT }
    }

    /// Shows this many characters of each body.
    #[must_use]
    pub fn body_limit(mut self, characters: usize) -> Self {
        self.body_limit = characters;
        self
    }

    fn exchange(&self, f: &mut fmt::Formatter<'_>, exchange: &Exchange) -> fmt::Result {
        let Exchange { step, request, outcome, duration_us, .. } = exchange;
        writeln!(f, "* {} ({})", printable(step), human(*duration_us))?;
        writeln!(f, "> {} {}", printable(&request.method), printable(&request.url))?;
        headers(f, '>', &request.headers)?;
        if let Some(body) = &request.body {
            self.body(f, body)?;
        }
        writeln!(f)?;
        match outcome {
            Outcome::Response(response) => {
                writeln!(f, "< {}", response.status)?;
                headers(f, '<', &response.headers)?;
                self.body(f, &response.body)
            }
            Outcome::Failure(reason) => writeln!(f, "! no response: {}", printable(reason)),
        }
    }

    fn body(&self, f: &mut fmt::Formatter<'_>, body: &Body) -> fmt::Result {
        if body.text.is_empty() && !body.cut {
            return Ok(());
        }
        let (shown, rest) = cut(&body.text, self.body_limit);
        let shown = printable(shown);
        write!(f, "\n{shown}")?;
        if !shown.ends_with('\n') {
            writeln!(f)?;
        }
        if body.cut || !rest.is_empty() {
            let never_kept = if body.cut { body.bytes.saturating_sub(body.text.len() as u64) } else { 0 };
            writeln!(f, "[… {} bytes left out]", never_kept.saturating_add(rest.len() as u64))?;
        }
        Ok(())
    }
}

impl fmt::Display for Transcript<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, exchange) in self.exchanges.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            self.exchange(f, exchange)?;
        }
        Ok(())
    }
}

fn headers(f: &mut fmt::Formatter<'_>, side: char, headers: &[(String, String)]) -> fmt::Result {
    for (name, value) in headers {
        writeln!(f, "{side} {}: {}", printable(name), printable(value))?;
    }
    Ok(())
}
