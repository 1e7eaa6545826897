//! Lists in pages.

use serde_json::{Map, Value};

use super::super::error::Refusal;
use crate::defect::{Defect, DefectSet};
use crate::percent;

/// How many rows a page has where no number is asked for.
const USUAL: usize = 25;
/// How many it has at most.
const MOST: usize = 100;

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// All of it, where nothing is asked for.
    limit: Option<usize>,
    offset: usize,
    /// In lower case.
    search: String,
}

impl Page {
    /// Reads it from a query. Whoever asks for anything, and be it by a filter, gets pages.
    pub(super) fn read(query: &str, filters: &[&str], defects: &DefectSet) -> Result<Self, Refusal> {
        let (limit, offset) = (number(query, "limit")?, number(query, "offset")?);
        let search = percent::field(query, "search").unwrap_or_default().to_lowercase();
        if defects.has(Defect::PaginationIgnored) {
            return Ok(Self { limit: None, offset: 0, search: String::new() });
        }
        let is_filtered = filters.iter().any(|filter| percent::field(query, filter).is_some());
        let is_asked = limit.is_some() || offset.is_some() || !search.is_empty() || is_filtered;
        let limit = limit.filter(|limit| *limit > 0).unwrap_or(USUAL).min(MOST);
        Ok(Self { limit: is_asked.then_some(limit), offset: offset.unwrap_or(0), search })
    }

    /// Whether a name is among those that are looked for.
    pub(super) fn finds(&self, name: &str) -> bool {
        self.search.is_empty() || name.to_lowercase().contains(&self.search)
    }

    /// The rows of this page, and how many there are on all.
    pub(super) fn of<T>(&self, rows: impl Iterator<Item = T>) -> (Vec<T>, usize) {
        let rows: Vec<_> = rows.collect();
        let total = rows.len();
        let page = rows.into_iter().skip(self.offset).take(self.limit.unwrap_or(usize::MAX));
        (page.collect(), total)
    }

    /// A page as it is told.
    pub(super) fn told(&self, name: &str, rows: Vec<Value>, total: usize) -> Value {
        let count = rows.len();
        let mut list = Map::new();
        list.insert(name.to_owned(), rows.into());
        list.insert("count".to_owned(), count.into());
        list.insert("total_count".to_owned(), total.into());
        list.insert("limit".to_owned(), self.limit.unwrap_or(count).into());
        list.insert("offset".to_owned(), self.offset.into());
        Value::Object(list)
    }
}

/// A parameter that counts something.
fn number(query: &str, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(text) = percent::field(query, name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = |what: &str| Refusal::bad_request(format!("Invalid {name} parameter: must be {what}"));
    match text.parse::<i64>() {
        Ok(number) => usize::try_from(number).map(Some).map_err(|_| wrong("non-negative")),
        Err(_) => Err(wrong("a number")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(query: &str) -> Page {
        Page::read(query, &["customer_id"], &DefectSet::default()).unwrap()
    }

    #[test]
    fn all_is_told_where_nothing_is_asked_for() {
        let page = page("");
        let (rows, total) = page.of(0..200);
        assert_eq!((rows.len(), total), (200, 200));
        let told = page.told("teams", vec![json!(1), json!(2)], 2);
        let expected = json!({ "teams": [1, 2], "count": 2, "total_count": 2, "limit": 2, "offset": 0 });
        assert_eq!(told, expected);
    }

    #[test]
    fn a_page_has_its_size_and_its_place() {
        let rows = |query: &str| page(query).of(0..200).0;
        assert_eq!(rows("limit=2&offset=3"), [3, 4]);
        assert_eq!(rows("customer_id=x").len(), 25);
        assert_eq!((rows("limit=1000").len(), rows("limit=0").len()), (100, 25));
        assert!(rows("offset=500").is_empty());
        let told = page("limit=2&offset=3").told("teams", vec![json!(1)], 4);
        assert_eq!(told, json!({ "teams": [1], "count": 1, "total_count": 4, "limit": 2, "offset": 3 }));
    }

    #[test]
    fn a_name_is_found_by_a_part_of_it_in_any_case() {
        let page = page("search=ACME+inc");
        assert!(page.finds("The Acme Inc.") && !page.finds("Acme"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let told = |query: &str| {
            Page::read(query, &[], &DefectSet::default()).map_err(|refusal| refusal.message).unwrap_err()
        };
        assert_eq!(told("limit=abc"), "Invalid limit parameter: must be a number");
        assert_eq!(told("offset=-1"), "Invalid offset parameter: must be non-negative");
    }

    #[test]
    fn a_broken_gateway_has_one_page() {
        let defects = DefectSet::default();
        defects.set(&["pagination-ignored".parse().unwrap()]);
        let page = Page::read("limit=2&search=x", &[], &defects).unwrap();
        assert!(page.finds("y"));
        assert_eq!(page.of(0..50).0.len(), 50);
    }
}
