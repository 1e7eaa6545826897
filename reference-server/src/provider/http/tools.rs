//! The tools of a request, for wires that cannot say everything of them that a caller can.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::domain::inference::{CompletionRequest, Tool, ToolMode};

/// The schema of a tool that is given nothing, where the wire wants one.
pub(crate) static NO_PARAMETERS: LazyLock<Value> =
    LazyLock::new(|| json!({ "type": "object", "properties": {} }));

/// The tools that a model is told of. Where the wire cannot name several that alone may be called, the others are not
/// told at all.
pub(crate) fn offered_tools(request: &CompletionRequest) -> impl Iterator<Item = &Tool> {
    let only = request.tool_use.only.as_slice();
    let is_open =
        only.is_empty() || request.tool_use.mode == ToolMode::None || the_one_to_call(request).is_some();
    request.tools.iter().filter(move |tool| is_open || only.contains(&tool.name))
}

/// The tool that must be called, where it is a certain one.
pub(crate) fn the_one_to_call(request: &CompletionRequest) -> Option<&str> {
    match request.tool_use.only.as_slice() {
        [one] if request.tool_use.mode == ToolMode::Required => Some(one.as_str()),
        _ => None,
    }
}
