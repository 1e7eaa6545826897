//! The vocabulary in which shapes of bodies are written.

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A string.
    Text,
    /// A string in which a user says something, be it nothing.
    UserText,
    /// A truth value, or what is commonly written for one.
    Flag,
    /// A number within bounds, or a string that reads as one.
    Number { at_least: f64, at_most: f64 },
    /// A whole number within bounds, or a string that reads as one.
    Whole { least: Least, at_most: i64 },
    /// One of these strings.
    Word(&'static [&'static str]),
    /// An object of numbers.
    Numbers,
    /// An array.
    List { of: &'static Shape, least: usize, most: usize },
    /// What the service calls a sequence: an array whose mistakes read differently.
    Sequence { of: &'static Shape, least: usize },
    /// An object with these members; others are ignored.
    Record(&'static [Field]),
    /// An object whose shape one of its members tells.
    Tagged { by: &'static str, tags: &'static [(&'static str, &'static [Field])] },
    /// Any of these, each with the name under which its mistakes are told.
    Either(&'static [(&'static str, Shape)]),
}

/// A lower bound.
#[derive(Clone, Copy, Debug)]
pub(super) enum Least {
    AtLeast(i64),
    Above(i64),
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// Whether it must be there. What need not be there may also be null.
    pub(super) required: bool,
}

/// A member that must be there.
pub(super) const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

/// A member that may be left out.
pub(super) const fn optional(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}
