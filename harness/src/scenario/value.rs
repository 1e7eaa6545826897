use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Template, TemplateError, Templates, Variables};

/// A JSON value with templates in its texts.
#[derive(Clone, Debug)]
pub struct Shape(ShapeNode);

/// One node of a [`Shape`].
#[derive(Clone, Debug)]
pub enum ShapeNode {
    /// A part without templates.
    Fixed(Arc<Value>),
    /// A text that is filled in; one that is a single expression may become any value.
    Filled(Template),
    /// A list with a template somewhere in it.
    List(Vec<ShapeNode>),
    /// An object with a template somewhere in it.
    Object(Vec<(String, ShapeNode)>),
}

impl Shape {
    /// A value from its node.
    pub fn new(node: ShapeNode) -> Self {
        Self(node)
    }

    /// A value without templates.
    pub fn fixed(value: Value) -> Self {
        Self(ShapeNode::Fixed(Arc::new(value)))
    }

    /// Its outermost node.
    pub fn node(&self) -> &ShapeNode {
        &self.0
    }

    /// The value with its templates filled in.
    ///
    /// # Errors
    /// When a template names something that is not there.
    pub fn fill(&self, templates: &Templates, variables: &Variables) -> Result<Arc<Value>, TemplateError> {
        match &self.0 {
            ShapeNode::Fixed(value) => Ok(Arc::clone(value)),
            ShapeNode::Filled(template) => template.value(templates, variables),
            node => node.fill(templates, variables).map(Arc::new),
        }
    }
}

impl ShapeNode {
    /// The value, where there is no template in it.
    pub fn fixed_value(&self) -> Option<Value> {
        match self {
            Self::Fixed(value) => Some(Value::clone(value)),
            _ => None,
        }
    }

    fn fill(&self, templates: &Templates, variables: &Variables) -> Result<Value, TemplateError> {
        match self {
            Self::Fixed(value) => Ok(Value::clone(value)),
            Self::Filled(template) => template.value(templates, variables).map(Arc::unwrap_or_clone),
            Self::List(items) => items
                .iter()
                .map(|item| item.fill(templates, variables))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            Self::Object(entries) => entries
                .iter()
                .map(|(name, node)| Ok((name.clone(), node.fill(templates, variables)?)))
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object),
        }
    }
}
