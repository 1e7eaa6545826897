use std::fmt;

use plumbline_record::{Body, Exchange, Outcome};

use crate::duration::human;
use crate::excerpt::Excerpt;
use crate::printable::{one_line, printable};

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
    place: usize,
}

impl<'a> Transcript<'a> {
    /// A transcript of these exchanges, in their order.
    pub fn new(exchanges: &'a [Exchange]) -> Self {
        Self { exchanges, body_limit: BODY_LIMIT, place: 0 }
    }

    /// Shows this many characters of each body, and of each line above it.
    #[must_use]
    pub fn body_limit(mut self, characters: usize) -> Self {
        self.body_limit = characters;
        self
    }

    /// Shows of a long response's body what surrounds this byte, in place of its beginning.
    #[must_use]
    pub(crate) fn around(mut self, place: usize) -> Self {
        self.place = place;
        self
    }

    fn exchange(&self, f: &mut fmt::Formatter<'_>, exchange: &Exchange) -> fmt::Result {
        let Exchange { step, request, outcome, duration_us, left_out, .. } = exchange;
        if let Some(count) = left_out {
            writeln!(f, "[… requests of this step that run.jsonl does not have: {count}]\n")?;
        }
        writeln!(f, "* {} ({})", printable(step), human(*duration_us))?;
        writeln!(f, "> {} {}", printable(&request.method), one_line(&request.url, self.body_limit))?;
        self.headers(f, '>', &request.headers)?;
        if let Some(body) = &request.body {
            self.body(f, body, 0)?;
        }
        writeln!(f)?;
        match outcome {
            Outcome::Response(response) => {
                writeln!(f, "< {}", response.status)?;
                self.headers(f, '<', &response.headers)?;
                self.body(f, &response.body, self.place)
            }
            Outcome::Failure(reason) => writeln!(f, "! no response: {}", printable(reason)),
        }
    }

    fn headers(&self, f: &mut fmt::Formatter<'_>, side: char, headers: &[(String, String)]) -> fmt::Result {
        for (name, value) in headers {
            writeln!(f, "{side} {}: {}", printable(name), one_line(value, self.body_limit))?;
        }
        Ok(())
    }

    fn body(&self, f: &mut fmt::Formatter<'_>, body: &Body, place: usize) -> fmt::Result {
        if body.text.is_empty() && !body.cut {
            return Ok(());
        }
        let Excerpt { before, shown, after } = Excerpt::new(&body.text, self.body_limit, place);
        writeln!(f)?;
        if !before.is_empty() {
            writeln!(f, "[… {} bytes left out]", before.len())?;
        }
        let shown = printable(shown);
        write!(f, "{shown}")?;
        if !shown.ends_with('\n') {
            writeln!(f)?;
        }
        if before.is_empty() && after.is_empty() && !body.cut {
            return Ok(());
        }
        let never_kept = if body.cut { body.bytes.saturating_sub(body.text.len() as u64) } else { 0 };
        let left_out = never_kept.saturating_add(after.len() as u64);
        let kept = if !body.cut {
            "; run.jsonl has all of it".to_owned()
        } else if before.is_empty() && after.is_empty() {
            String::new()
        } else {
            format!("; run.jsonl has the first {}", body.text.len())
        };
        if left_out == 0 {
            writeln!(f, "[the body ends here{kept}]")
        } else {
            writeln!(f, "[… {left_out} bytes left out{kept}]")
        }
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
