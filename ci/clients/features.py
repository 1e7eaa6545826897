"""Puts what the suites found together: features.json, and the page docs/clients.md.

Usage: features.py SUITE_JSON... --json FILE --markdown FILE
"""

import argparse
import json
from pathlib import Path

WIRES = {"openai": "OpenAI", "anthropic": "Anthropic", "gemini": "Gemini"}

PAGE = """\
# Official clients

The official clients of the three wires are driven against `plumbline serve`. They are told a base URL and a key, and nothing else but the version of
Gemini's wire. What is theirs to check, they check: types, helpers, retries, errors.

    cargo build --release
    ci/clients/run

This needs Python 3.11 or later with venv, Node 20 or later with npm, and the package registries. Everything is installed below `target/clients`. `.ci/run`
does it too; `ci/test` does not. The suites are in `ci/clients/python` and `ci/clients/node`. Each test names its feature, and asserts what the client
hands out: texts, arguments, usage, types of errors.

| client | base URL | key |
|---|---|---|
| OpenAI | `http://127.0.0.1:8080/v1` | `sk-plumbline-all-scopes` |
| Anthropic | `http://127.0.0.1:8080` | `sk-plumbline-all-scopes` |
| Gemini | `http://127.0.0.1:8080/~gemini`, version `v1beta` | `sk-plumbline-all-scopes` |

What follows is written by `ci/clients/run`, which fails where it finds something else. A dash stands where the client has no such feature, or where it is
not driven.
"""


def tables(found):
    """A table for each wire: a row for each feature, a column for each client."""
    for wire, name in WIRES.items():
        own = [entry for entry in found if entry["wire"] == wire]
        clients = sorted({(entry["language"], entry["client"], entry["version"]) for entry in own}, reverse=True)
        works = {(entry["language"], entry["feature"]): entry["works"] for entry in own}
        heads = [f"{language} `{client}` {version}" for language, client, version in clients]
        yield f"\n## {name}\n\n| feature | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}\n"
        for feature in sorted({entry["feature"] for entry in own}):
            cells = [CELLS[works.get((language, feature))] for language, _, _ in clients]
            yield f"| {feature} | {' | '.join(cells)} |\n"


CELLS = {True: "works", False: "**fails**", None: "–"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("suites", nargs="+", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    given = parser.parse_args()
    # A suite that broke before it could write anything has no features to tell.
    suites = [json.loads(path.read_text(encoding="utf-8") or "[]") for path in given.suites if path.exists()]
    found = sorted(sum(suites, []), key=lambda entry: (entry["client"], entry["language"], entry["feature"]))
    given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    given.markdown.write_text(PAGE + "".join(tables(found)), encoding="utf-8")
    works = sum(entry["works"] for entry in found)
    clients = len({(entry["client"], entry["language"]) for entry in found})
    print(f"{works} of {len(found)} features of {clients} clients work")


if __name__ == "__main__":
    main()
