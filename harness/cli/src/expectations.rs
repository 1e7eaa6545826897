//! From `--expect` to what is expected of a suite's cases.

use std::path::Path;
use std::sync::Arc;

use plumbline_harness::engine::case_names;
use plumbline_harness::expectation::{self, Expectations};
use plumbline_harness::source::{SourceFile, Suite, read_text};

use crate::diagnostics::Failure;

/// Reads a file of expectations of this suite.
pub(crate) fn read(path: &Path, suite: &Suite) -> Result<Expectations, Failure> {
    expectation::read(&file(path)?, &cases(suite)).map_err(Failure::Mistakes)
}

/// The file itself.
pub(crate) fn file(path: &Path) -> Result<Arc<SourceFile>, Failure> {
    let text = read_text(path).map_err(Failure::configuration)?;
    Ok(Arc::new(SourceFile { name: path.display().to_string().into(), text: text.into() }))
}

/// The names of all cases of a suite, whatever is selected of it.
pub(crate) fn cases(suite: &Suite) -> Vec<String> {
    suite.scenarios.iter().flat_map(|scenario| case_names(scenario)).collect()
}
