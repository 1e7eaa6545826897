use serde_json::{Map, Number, Value};

use super::hints::Hints;

/// How far from a whole number of steps a multiple may be, because fractions are not exact.
const INEXACT: f64 = 1e-9;
/// Most steps to a multiple of a fraction: beyond, it is less exact than that.
const MOST_STEPS: f64 = 1e6;

/// What several schemas together demand of a number.
pub(super) struct Range {
    least: f64,
    above: f64,
    most: f64,
    below: f64,
    /// It is a multiple of each of these.
    steps: Vec<f64>,
    /// Digits after the point that multiples are rounded to.
    digits: usize,
}

impl Range {
    /// The range that these schemas leave.
    pub(super) fn of(facets: &[&Map<String, Value>], is_integer: bool) -> Self {
        let all = |keyword: &'static str| {
            facets
                .iter()
                .filter_map(move |facet| facet.get(keyword)?.as_f64().filter(|bound| bound.is_finite()))
        };
        let mut steps: Vec<_> = all("multipleOf").filter(|step| *step > 0.0).collect();
        if is_integer && steps.is_empty() {
            steps.push(1.0);
        }
        let digits = steps.iter().map(|step| decimals(*step)).max().unwrap_or_default();
        if is_integer && digits > 0 {
            steps.push(1.0);
        }
        Self {
            least: all("minimum").fold(f64::NEG_INFINITY, f64::max),
            above: all("exclusiveMinimum").fold(f64::NEG_INFINITY, f64::max),
            most: all("maximum").fold(f64::INFINITY, f64::min),
            below: all("exclusiveMaximum").fold(f64::INFINITY, f64::min),
            steps,
            digits,
        }
    }

    /// The first number of the hints within the range, or the least one, or whatever else is found in it.
    pub(super) fn pick(&self, hints: &mut Hints) -> Option<Number> {
        let picked = hints.take_number(|number| self.holds(number)).or_else(|| self.search())?;
        // Written out and without an exponent; a zero has no sign.
        format!("{}", picked + 0.0).parse().ok()
    }

    fn search(&self) -> Option<f64> {
        let (low, high) = (self.least.max(self.above), self.most.min(self.below));
        let step = self.steps.iter().copied().fold(0.0, f64::max);
        let (first, last) = ((low / step).ceil(), (high / step).floor());
        let candidates = [
            self.rounded(first * step),
            self.rounded((first + 1.0) * step),
            low,
            low + 1.0,
            f64::midpoint(low, high),
            0.0,
            self.rounded(last * step),
            self.rounded((last - 1.0) * step),
            high,
            high - 1.0,
        ];
        candidates.into_iter().find(|number| self.holds(*number))
    }

    fn holds(&self, number: f64) -> bool {
        let is_multiple = |step: &f64| {
            if step.fract() == 0.0 {
                return number % step == 0.0;
            }
            let times = number / step;
            // A multiple has no more digits than its step.
            times.abs() < MOST_STEPS
                && (times - times.round()).abs() < INEXACT
                && self.rounded(number) - number == 0.0
        };
        number.is_finite()
            && number >= self.least
            && number > self.above
            && number <= self.most
            && number < self.below
            && self.steps.iter().all(is_multiple)
    }

    fn rounded(&self, number: f64) -> f64 {
        let digits = self.digits;
        format!("{number:.digits$}").parse().unwrap_or(number)
    }
}

/// How many digits a number has after its point.
fn decimals(number: f64) -> usize {
    number.to_string().split_once('.').map_or(0, |(_, digits)| digits.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pick(schema: &Value, is_integer: bool, text: &str) -> Option<String> {
        let facets = [schema.as_object().unwrap()];
        Range::of(&facets, is_integer).pick(&mut Hints::of(text)).map(|number| number.to_string())
    }

    #[test]
    fn a_number_of_the_question_is_taken_where_it_fits_and_the_minimum_elsewhere() {
        let bounded = json!({ "minimum": 2, "maximum": 5 });
        assert_eq!(pick(&bounded, true, "of 7, 4.5 and 3").as_deref(), Some("3"));
        assert_eq!(pick(&bounded, false, "of 7, 4.5 and 3").as_deref(), Some("4.5"));
        assert_eq!(pick(&bounded, true, "").as_deref(), Some("2"));
        assert_eq!(pick(&json!({}), true, "").as_deref(), Some("0"));
    }

    #[test]
    fn bounds_and_steps_are_kept() {
        for (schema, is_integer, number) in [
            (json!({ "exclusiveMinimum": 2 }), true, "3"),
            (json!({ "exclusiveMinimum": 0, "exclusiveMaximum": 1 }), false, "0.5"),
            (json!({ "minimum": 0.25, "multipleOf": 0.1 }), false, "0.3"),
            (json!({ "minimum": 0.3, "multipleOf": 0.5 }), true, "1"),
            (json!({ "maximum": -7 }), true, "-7"),
            (json!({ "exclusiveMaximum": -7, "multipleOf": 7 }), true, "-14"),
            (json!({ "minimum": 1.2 }), true, "2"),
            (json!({ "minimum": -0.5, "maximum": 0.5 }), true, "0"),
        ] {
            assert_eq!(pick(&schema, is_integer, "").as_deref(), Some(number), "{schema}");
        }
        assert_eq!(
            pick(&json!({ "multipleOf": 0.1 }), false, "0.30000000000000004 or 0.3").as_deref(),
            Some("0.3")
        );
        let large = pick(&json!({ "multipleOf": 0.75 }), false, "99999999999999999999");
        assert_eq!(large.as_deref(), Some("0"));
        assert_eq!(pick(&json!({ "minimum": 2, "maximum": 1 }), false, "1.5"), None);
        assert_eq!(pick(&json!({ "minimum": 1, "maximum": 4, "multipleOf": 5 }), true, ""), None);
    }
}
