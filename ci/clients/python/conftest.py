"""Records, for every client, which of its features work where; and hands out worlds of their own."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest

import gateway
import simulator

# The package that speaks a wire.
PACKAGES = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google-genai",
    "vertex": "google-genai",
    "bedrock": "boto3",
}


def pytest_addoption(parser):
    parser.addoption("--features", type=Path, help="write what worked to this file")


def pytest_collection_modifyitems(items):
    nameless = [item.nodeid for item in items if item.get_closest_marker("feature") is None]
    if nameless:
        raise pytest.UsageError(f"these tests name no feature: {nameless}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    # Only what ran to its end and what broke on the way tell whether the feature works.
    if report.when == "call" or report.failed:
        found = *server_and_wire(item), item.get_closest_marker("feature").args[0]
        outcomes = item.config.stash.setdefault(OUTCOMES, {})
        outcomes[found] = outcomes.get(found, True) and report.passed
    return report


def server_and_wire(item):
    """Who is talked to, and on which wire: a file is called after both, and a test of several wires has the parameter
    `wire`."""
    server, *names = item.path.stem.removeprefix("test_").split("_")
    if server != "upstream":
        return "serve", server
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return server, parameters.get("wire", names[0])


def pytest_sessionfinish(session):
    path = session.config.getoption("features")
    if path is None:
        return
    told = [
        {
            "server": server,
            "wire": wire,
            "client": PACKAGES[wire],
            "version": version(PACKAGES[wire]),
            "language": "Python",
            "feature": name,
            "works": works,
        }
        for (server, wire, name), works in session.config.stash.get(OUTCOMES, {}).items()
    ]
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


OUTCOMES = pytest.StashKey()


@pytest.fixture
def world():
    """A world of the gateway that no other test changes."""
    world = gateway.World()
    yield world
    world.delete()


@pytest.fixture
def providers():
    """A world of the simulator of the providers that no other test changes."""
    world = simulator.World()
    yield world
    world.delete()
