use globset::GlobBuilder;

/// The names that a pattern matches, in their order.
///
/// `*` stands for any characters and `?` for one. Everything else stands for itself, brackets too: they name an
/// observer, and are no class of characters.
pub(super) fn matching(pattern: &str, names: &[String]) -> Vec<String> {
    if !pattern.contains(['*', '?']) {
        return names.iter().filter(|name| *name == pattern).cloned().collect();
    }
    let glob = globset::escape(pattern).replace("[*]", "*").replace("[?]", "?");
    // What is escaped is always a pattern; one that is not would match nothing, and that is told.
    let Ok(glob) = GlobBuilder::new(&glob).backslash_escape(false).build() else { return Vec::new() };
    let glob = glob.compile_matcher();
    names.iter().filter(|name| glob.is_match(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_reach_observers_and_brackets_stand_for_themselves() {
        let names = ["A_1", "A_1[billing]", "A_1[logs]", "A_12", "B_1", "B_1[billing]"].map(str::to_owned);
        for (pattern, expected) in [
            ("A_1", &["A_1"][..]),
            ("A_1[billing]", &["A_1[billing]"]),
            ("A_1[*]", &["A_1[billing]", "A_1[logs]"]),
            ("A_*", &["A_1", "A_1[billing]", "A_1[logs]", "A_12"]),
            ("?_1", &["A_1", "B_1"]),
            ("*[billing]", &["A_1[billing]", "B_1[billing]"]),
            ("[AB]_*", &[]),
            ("{A,B}_*", &[]),
            ("**", &["A_1", "A_1[billing]", "A_1[logs]", "A_12", "B_1", "B_1[billing]"]),
            ("A_", &[]),
            ("", &[]),
        ] {
            assert_eq!(matching(pattern, &names), expected, "{pattern}");
        }
    }
}
