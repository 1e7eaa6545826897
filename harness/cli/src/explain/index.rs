//! Finds what an id stands for, and puts its explanation together.

use plumbline_harness::scenario::{Contract, Requirement, Scenario};
use plumbline_harness::source::{Suite, did_you_mean};
use plumbline_reference_server::DefectInfo;

use super::{defect, requirement, scenario, verified};

/// Everything that can be explained.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Index<'i> {
    suite: &'i Suite,
    defects: &'i [DefectInfo],
}

impl<'i> Index<'i> {
    pub(crate) fn new(suite: &'i Suite, defects: &'i [DefectInfo]) -> Self {
        Self { suite, defects }
    }

    /// What an id stands for, in words; an id may stand for a requirement of several contracts.
    pub(crate) fn explain(self, id: &str) -> Option<String> {
        let scenarios = self
            .suite
            .scenarios
            .iter()
            .filter(|scenario| &*scenario.id == id || scenario.written_id() == id)
            .map(|scenario| scenario::explain(scenario, self.contract(scenario), self.defects));
        let requirements = self.suite.contracts.values().filter_map(|contract| {
            let (id, requirement) = contract.requirements.get_key_value(id)?;
            let verifiers = self.verifiers(id, Some(contract));
            Some(requirement::explain(id, requirement, contract, &verifiers, self.defects))
        });
        let defects = self.defects.iter().filter(|defect| defect.id == id).map(|defect| self.defect(defect));
        let texts: Vec<_> = scenarios.chain(requirements).chain(defects).collect();
        (!texts.is_empty()).then(|| texts.join("\n"))
    }

    /// The id that was probably meant.
    pub(crate) fn nearest(self, id: &str) -> Option<&'i str> {
        let scenarios = self.suite.scenarios.iter().map(|scenario| &*scenario.id);
        let requirements =
            self.suite.contracts.values().flat_map(|contract| contract.requirements.keys()).map(|id| &**id);
        let defects = self.defects.iter().map(|defect| defect.id);
        did_you_mean(id, scenarios.chain(requirements).chain(defects))
    }

    fn defect(self, info: &DefectInfo) -> String {
        let broken: Vec<_> =
            info.breaks.iter().map(|id| (*id, self.requirement(id), self.verifiers(id, None))).collect();
        defect::explain(info, &broken)
    }

    fn contract(self, scenario: &Scenario) -> Option<&'i Contract> {
        self.suite.contracts.get(&scenario.contract)
    }

    fn requirement(self, id: &str) -> Option<&'i Requirement> {
        self.suite.contracts.values().find_map(|contract| contract.requirements.get(id))
    }

    /// The scenarios that verify a requirement, of one contract or of all.
    fn verifiers(self, id: &str, contract: Option<&Contract>) -> Vec<&'i Scenario> {
        self.suite
            .scenarios
            .iter()
            .map(|scenario| &**scenario)
            .filter(|scenario| contract.is_none_or(|contract| contract.name == scenario.contract))
            .filter(|scenario| verified::by_scenario(scenario, self.contract(scenario)).contains(&id))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use plumbline_reference_server::catalogue;

    use super::*;
    use crate::arguments::Sources;
    use crate::suite;

    fn embedded() -> Suite {
        suite::sound(&Sources { scenarios: None, fixtures: None }).unwrap().0
    }

    #[test]
    fn everything_can_be_explained() {
        let suite = embedded();
        let index = Index::new(&suite, catalogue());
        for scenario in &suite.scenarios {
            let text = index.explain(&scenario.id).unwrap();
            for step in &scenario.steps {
                assert!(text.contains(&format!(". {}  ", step.name)), "{text}");
                assert!(text.contains(&format!("\n# {}\n", step.name)), "{text}");
            }
            for requirement in verified::by_scenario(scenario, index.contract(scenario)) {
                let about = index.explain(requirement).unwrap();
                assert!(about.contains(&format!("  {}  {}\n", scenario.id, scenario.title)), "{about}");
            }
            assert!(!text.contains("[redacted:"), "{text}");
            if let Some(dialect) = &scenario.dialect {
                assert!(text.contains(&format!("\n  dialect     {}", dialect.name)), "{text}");
            }
            for model in scenario.providers.keys() {
                assert!(text.contains(&format!("\n  providers   {model}")), "{text}");
            }
        }
        for defect in catalogue() {
            let text = index.explain(defect.id).unwrap();
            assert!(!text.contains("verified by no scenario"), "{text}");
        }
    }

    #[test]
    fn an_unknown_id_is_compared_with_all_kinds() {
        let suite = embedded();
        let index = Index::new(&suite, catalogue());
        assert_eq!(index.explain("chat.model-ecoed"), None);
        assert_eq!(index.nearest("chat.model-ecoed"), Some("chat.model-echoed"));
        assert_eq!(index.nearest("wrong-model-echod"), Some("wrong-model-echoed"));
        assert_eq!(index.nearest("SEQ_BILLING_01_TC01"), Some("SEQ_BILLING_001_TC01"));
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_understands_every_command() {
        use std::io::Write as _;
        use std::process::{Command, Stdio};

        let suite = embedded();
        let index = Index::new(&suite, catalogue());
        let commands = |scenario: &Scenario| {
            let text = index.explain(&scenario.id).unwrap();
            text.split_once("\nBy hand\n").unwrap().1.to_owned()
        };
        let script: Vec<_> = suite.scenarios.iter().map(|scenario| commands(scenario)).collect();
        let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(script.join("\n").as_bytes()).unwrap();
        assert!(shell.wait().unwrap().success());
    }
}
