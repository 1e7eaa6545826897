"""Records, for every client, which of its features work; and hands out worlds of their own."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest

import gateway

# The package behind the name with which the files of its tests begin, after `test_`.
PACKAGES = {"openai": "openai", "anthropic": "anthropic", "gemini": "google-genai"}


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
        wire = item.path.stem.split("_")[1]
        name = item.get_closest_marker("feature").args[0]
        outcomes = item.config.stash.setdefault(OUTCOMES, {})
        outcomes[wire, name] = outcomes.get((wire, name), True) and report.passed
    return report


def pytest_sessionfinish(session):
    path = session.config.getoption("features")
    if path is None:
        return
    told = [
        {
            "wire": wire,
            "client": PACKAGES[wire],
            "version": version(PACKAGES[wire]),
            "language": "Python",
            "feature": name,
            "works": works,
        }
        for (wire, name), works in session.config.stash.get(OUTCOMES, {}).items()
    ]
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


OUTCOMES = pytest.StashKey()


@pytest.fixture
def world():
    """A world of the gateway that no other test changes."""
    world = gateway.World()
    yield world
    world.delete()
