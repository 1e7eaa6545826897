use cucumber::{given, then, when};

use crate::world::World;

#[given(expr = "the environment variable {word} is {string}")]
fn variable(world: &mut World, name: String, value: String) {
    world.environment.insert(name, value);
}

#[when(expr = "I run {string}")]
async fn run(world: &mut World, line: String) {
    world.run(&line).await;
}

#[then(expr = "the exit code is {int}")]
fn exit_code(world: &mut World, code: i32) {
    let outcome = world.outcome();
    assert_eq!(outcome.code, code, "{outcome}");
}

#[then(expr = "it prints {string}")]
fn prints(world: &mut World, text: String) {
    let outcome = world.outcome();
    assert!(outcome.stdout.contains(&text), "{outcome}");
}

#[then(expr = "it does not print {string}")]
fn does_not_print(world: &mut World, text: String) {
    let outcome = world.outcome();
    assert!(!outcome.stdout.contains(&text), "{outcome}");
}

#[then(expr = "it complains of {string}")]
fn complains(world: &mut World, text: String) {
    let outcome = world.outcome();
    assert!(outcome.stderr.contains(&text), "{outcome}");
}
