//! From `--config` to who answers for which model.

use std::collections::HashSet;
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

/// The text as it can be shown: of lines in which a credential may stand no more than what is before the first colon.
fn without_secrets(text: &str, mistakes: &[ConfigMistake]) -> String {
    let secret: HashSet<_> =
        mistakes.iter().filter(|mistake| mistake.is_secret).map(|mistake| mistake.line as usize).collect();
    let shown = |(number, line): (usize, &str)| {
        let kept = line.find(':').map_or(0, |colon| colon + 1);
        let masked = |(at, byte): (usize, u8)| if at < kept || byte == b'\n' { byte } else { b'*' };
        if secret.contains(&number) {
            String::from_utf8_lossy(&line.bytes().enumerate().map(masked).collect::<Vec<_>>()).into_owned()
        } else {
            line.to_owned()
        }
    };
    (1..).zip(text.split_inclusive('\n')).map(shown).collect()
}

fn located(mistake: ConfigMistake, file: &Arc<SourceFile>) -> Mistake {
    let narrow = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    let ConfigMistake { line, column, start, length, message, hint, .. } = mistake;
    let span = Span { line, column, start: narrow(start), length: narrow(length) };
    Mistake { file: Arc::clone(file), span, message, hint }
}
