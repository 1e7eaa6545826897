//! Where a path leads.

/// A way into the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// To the control API.
    Control,
    /// To a dialect in a world, each the default one where the path names none. The dialect's own path begins
    /// at this byte.
    Dialect { world: Option<&'a str>, dialect: Option<&'a str>, mounted_at: usize },
}

/// Reads the prefixes `/~control`, `/~w/<world>` and `/~<dialect>`.
pub(crate) fn route(path: &str) -> Route<'_> {
    let root = Route::Dialect { world: None, dialect: None, mounted_at: 0 };
    let Some((first, after_first)) = segment(path, 0, "/~") else { return root };
    match first {
        "control" => Route::Control,
        "w" => {
            let (world, after_world) = segment(path, after_first, "/").unwrap_or(("", after_first));
            match segment(path, after_world, "/~") {
                Some((dialect, mounted_at)) => {
                    Route::Dialect { world: Some(world), dialect: Some(dialect), mounted_at }
                }
                None => Route::Dialect { world: Some(world), dialect: None, mounted_at: after_world },
            }
        }
        dialect => Route::Dialect { world: None, dialect: Some(dialect), mounted_at: after_first },
    }
}

/// What stands between a mark at this byte and the next slash, and where that slash is.
pub(crate) fn segment<'a>(path: &'a str, at: usize, mark: &str) -> Option<(&'a str, usize)> {
    let rest = path.get(at..)?.strip_prefix(mark)?;
    let name = rest.split('/').next().unwrap_or_default();
    Some((name, at + mark.len() + name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(path: &str) -> (Option<&str>, Option<&str>, &str) {
        match route(path) {
            Route::Dialect { world, dialect, mounted_at } => (world, dialect, &path[mounted_at..]),
            Route::Control => panic!("{path} leads to the control API"),
        }
    }

    #[test]
    fn prefixes_choose_world_and_dialect() {
        assert_eq!(leads("/api/v1/models"), (None, None, "/api/v1/models"));
        assert_eq!(leads("/"), (None, None, "/"));
        assert_eq!(leads("/~gsai/api/v1/models"), (None, Some("gsai"), "/api/v1/models"));
        assert_eq!(leads("/~w/abc/api/v1/models"), (Some("abc"), None, "/api/v1/models"));
        assert_eq!(leads("/~w/abc/~gsai/health"), (Some("abc"), Some("gsai"), "/health"));
        assert_eq!(leads("/~w/abc"), (Some("abc"), None, ""));
        assert_eq!(leads("/~w"), (Some(""), None, ""));
        assert_eq!(leads("/~"), (None, Some(""), ""));
        assert_eq!(leads("*"), (None, None, "*"));
    }

    #[test]
    fn the_control_api_is_not_inside_a_world() {
        assert_eq!(route("/~control/worlds"), Route::Control);
        assert_eq!(route("/~control"), Route::Control);
        assert_eq!(leads("/~w/abc/~control/worlds"), (Some("abc"), Some("control"), "/worlds"));
        assert_eq!(leads("/~controls/worlds"), (None, Some("controls"), "/worlds"));
    }
}
