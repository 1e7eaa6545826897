use serde_json::Value;

/// The types of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    Null,
}

impl Kind {
    /// The types that a schema's `type` names; nothing where it names none that exists.
    pub(super) fn stated(stated: &Value) -> Option<Vec<Self>> {
        match stated {
            Value::String(name) => Some(vec![Self::named(name)?]),
            Value::Array(names) => names.iter().map(|name| Self::named(name.as_str()?)).collect(),
            _ => None,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "null" => Self::Null,
            _ => return None,
        })
    }

    /// What is left of this type where only these are allowed.
    pub(super) fn within(self, allowed: &[Self]) -> Option<Self> {
        match self {
            kind if allowed.contains(&kind) => Some(kind),
            Self::Integer if allowed.contains(&Self::Number) => Some(Self::Integer),
            Self::Number if allowed.contains(&Self::Integer) => Some(Self::Integer),
            _ => None,
        }
    }

    /// The type that a keyword speaks of.
    pub(super) fn implied_by(keyword: &str) -> Option<Self> {
        Some(match keyword {
            "properties" | "required" | "additionalProperties" | "minProperties" => Self::Object,
            "items" | "prefixItems" | "minItems" => Self::Array,
            "minLength" | "maxLength" | "pattern" | "format" => Self::String,
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => Self::Number,
            _ => return None,
        })
    }

    /// Whether a value is of this type.
    pub(super) fn holds(self, value: &Value) -> bool {
        match value {
            Value::Object(_) => self == Self::Object,
            Value::Array(_) => self == Self::Array,
            Value::String(_) => self == Self::String,
            Value::Number(number) => {
                let is_whole = || number.as_f64().is_some_and(|number| number.fract() == 0.0);
                self == Self::Number || (self == Self::Integer && is_whole())
            }
            Value::Bool(_) => self == Self::Boolean,
            Value::Null => self == Self::Null,
        }
    }
}
