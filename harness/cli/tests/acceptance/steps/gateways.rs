use std::net::TcpListener;

use cucumber::{given, when};

use crate::world::World;

#[given("a sound gateway")]
#[when("the gateway is repaired")]
fn sound(world: &mut World) {
    world.gateway.clear();
}

#[given(expr = "a gateway with the defect {word}")]
fn defective(world: &mut World, defect: String) {
    world.gateway = vec!["--defect".to_owned(), defect];
}

#[given("a sound gateway in another process")]
fn served(world: &mut World) {
    world.serve(&[]);
}

#[given(expr = "a gateway in another process with the defect {word}")]
fn served_defective(world: &mut World, defect: String) {
    world.serve(&["--defect", &defect]);
}

#[given("an address where nothing listens")]
fn deserted(world: &mut World) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    world.gateway = vec!["--target".to_owned(), format!("http://{address}")];
}
