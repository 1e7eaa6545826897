use super::{Statement, StatementError};

/// What stands above a statement, for whoever opens the file.
const HEAD: &str = "\
# A conformance statement. `plumbline statement verify FILE` checks it; docs/statement.md of Plumbline explains it.
";

impl Statement {
    /// The statement as YAML. The same statement always gives the same text.
    ///
    /// # Errors
    /// Where the writer has something against it; nothing in a statement gives it reason to.
    pub fn to_yaml(&self) -> Result<String, StatementError> {
        // Reasons stay in one line, so that they can be searched for.
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        let text = serde_saphyr::to_string_with_options(self, options);
        text.map(|text| HEAD.to_owned() + &text).map_err(|error| StatementError::Yaml(error.to_string()))
    }
}
