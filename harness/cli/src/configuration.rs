//! From `--config` to who answers for which model.

use std::path::Path;
use std::sync::Arc;

use plumbline_harness::source::{Mistake, SourceFile, Span};
use plumbline_reference_server::{Config, ConfigMistake};

use crate::diagnostics::Failure;
use crate::expectations;

/// The configuration in a file; nothing in it where there is no file. Credentials are those of the environment.
pub(crate) fn read(path: Option<&Path>) -> Result<Config, Failure> {
    let Some(path) = path else { return Ok(Config::default()) };
    let file = expectations::file(path)?;
    let config = Config::read(&file.text, &|name| std::env::var(name).ok());
    config.map_err(|mistakes| {
        let text = without_secrets(&file.text, &mistakes).into();
        let shown = Arc::new(SourceFile { name: Arc::clone(&file.name), text });
        Failure::Mistakes(mistakes.into_iter().map(|mistake| located(mistake, &shown)).collect())
    })
}

/// The text as it can be shown: with stars for what may be a credential, up to the end of its line where its own is
/// not known.
fn without_secrets(text: &str, mistakes: &[ConfigMistake]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for mistake in mistakes.iter().filter(|mistake| mistake.is_secret) {
        let rest = bytes.get_mut(mistake.start..).unwrap_or_default();
        let length = if mistake.length == 0 { rest.len() } else { mistake.length };
        rest.iter_mut().take(length).take_while(|byte| **byte != b'\n').for_each(|byte| *byte = b'*');
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn located(mistake: ConfigMistake, file: &Arc<SourceFile>) -> Mistake {
    let narrow = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    let ConfigMistake { line, column, start, length, message, hint, .. } = mistake;
    let span = Span { line, column, start: narrow(start), length: narrow(length) };
    Mistake { file: Arc::clone(file), span, message, hint }
}
