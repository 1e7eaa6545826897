/// A text with places for values: `$name` or `${name}`; `$$` is a dollar sign.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(String),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// Says what is wrong with a place.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            if let Some(after) = after.strip_prefix('$') {
                pieces.push(Piece::Text("$".to_owned()));
                rest = after;
                continue;
            }
            let (name, remaining) = if let Some(braced) = after.strip_prefix('{') {
                braced.split_once('}').ok_or("`${` is not closed")?
            } else {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                after.split_at(end)
            };
            if name.is_empty() {
                return Err("`$` is not followed by a name".to_owned());
            }
            pieces.push(Piece::Value(name.to_owned()));
            rest = remaining;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    /// The names of the values that the text has places for.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text with its values, or nothing where one is missing.
    pub(super) fn fill<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
        let mut filled = String::with_capacity(128);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Value(name) => filled.push_str(value(name)?),
            }
        }
        Some(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Option<String> {
        Template::parse(text).unwrap().fill(|name| (name == "name").then_some("Alex"))
    }

    #[test]
    fn both_spellings_and_the_dollar_sign() {
        assert_eq!(fill("Hello, $name! ${name}s owe $$5").as_deref(), Some("Hello, Alex! Alexs owe $5"));
        assert_eq!(fill("").as_deref(), Some(""));
    }

    #[test]
    fn a_missing_value_gives_no_text() {
        assert_eq!(fill("Hello, ${stranger}!"), None);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(Template::parse("${name").unwrap_err().contains("not closed"));
        assert!(Template::parse("$ 5").unwrap_err().contains("name"));
    }
}
