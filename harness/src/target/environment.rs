use std::collections::BTreeMap;

/// The environment variables that a descriptor may name, and stand-ins for them in tests.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    overrides: BTreeMap<String, String>,
    process: bool,
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        Self { overrides: BTreeMap::new(), process: true }
    }

    /// With one variable given a value of its own.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.overrides.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The value of a variable; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<String> {
        let own = self.overrides.get(name).cloned();
        own.or_else(|| self.process.then(|| std::env::var(name).ok()).flatten())
            .filter(|value| !value.is_empty())
    }
}
