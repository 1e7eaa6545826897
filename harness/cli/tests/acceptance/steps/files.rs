use std::fs;

use cucumber::gherkin::Step;
use cucumber::{given, then};

use crate::world::{World, root};

#[given(expr = "the file {string}:")]
fn file(world: &mut World, step: &Step, name: String) {
    world.write(&name, &document(step));
}

#[given(expr = "the file {string} of this project")]
fn own_file(world: &mut World, name: String) {
    world.write(&name, &fs::read_to_string(root().join(&name)).unwrap());
}

#[then(expr = "the file {string} is now:")]
fn is_now(world: &mut World, step: &Step, name: String) {
    assert_eq!(world.read(&name), document(step));
}

#[then(expr = "the file {string} contains {string}")]
fn contains(world: &mut World, name: String, part: String) {
    let text = world.read(&name);
    assert!(text.contains(&part), "{text}");
}

#[then(expr = "the files {string} and {string} are the same")]
fn are_the_same(world: &mut World, one: String, other: String) {
    assert_eq!(world.read(&one), world.read(&other));
}

/// What stands below a step, ended by a line end.
fn document(step: &Step) -> String {
    step.docstring.as_ref().unwrap().trim().to_owned() + "\n"
}
