"""Puts what the suites found together: features.json, and the page docs/clients.md.

Usage: features.py SUITE_JSON... --json FILE --markdown FILE
"""

import argparse
import json
from pathlib import Path

# Who is talked to, and on which wires.
SERVERS = {
    "serve": ("The reference gateway", ["openai", "anthropic", "gemini"]),
    "upstream": ("The provider simulator", ["bedrock", "gemini", "vertex", "openai", "anthropic"]),
}
WIRES = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "gemini": "Gemini",
    "vertex": "Vertex AI",
    "bedrock": "Amazon Bedrock",
}

PAGE = """\
# Official clients

The official clients of the wires are driven against `plumbline serve`, and against `plumbline upstream`, which has to be what they take for the providers
themselves. They are told a base URL and their credentials, and at the gateway the version of Gemini's wire. What is theirs to check, they check:
signatures, types, helpers, retries, errors.

    cargo build --release
    ci/clients/run

This needs Python 3.11 or later with venv, Node 20 or later with npm, and the package registries. Everything is installed below `target/clients`. `.ci/run`
does it too; `ci/test` does not. The suites are in `ci/clients/python` and `ci/clients/node`. Each test names its feature, and asserts what the client
hands out: texts, arguments, usage, types of errors.

At the [reference gateway](reference-gateway.md):

| client | base URL | key |
|---|---|---|
| OpenAI | `http://127.0.0.1:8080/v1` | `sk-plumbline-all-scopes` |
| Anthropic | `http://127.0.0.1:8080` | `sk-plumbline-all-scopes` |
| Gemini | `http://127.0.0.1:8080/~gemini`, version `v1beta` | `sk-plumbline-all-scopes` |

At the [provider simulator](upstream.md), which prints the [credentials](upstream.md#credentials):

| client | base URL | credentials |
|---|---|---|
| AWS, `bedrock-runtime` | `http://127.0.0.1:9090/bedrock` | an access key, with which it signs |
| Gemini | `http://127.0.0.1:9090/gemini` | a key |
| Gemini for Vertex AI | `http://127.0.0.1:9090/vertex` | a service account, whose tokens come from `http://127.0.0.1:9090/google/token` |
| OpenAI | `http://127.0.0.1:9090/openai/v1` | a key |
| Anthropic | `http://127.0.0.1:9090/anthropic` | a key |

What follows is written by `ci/clients/run`, which fails where it finds something else. A dash stands where the client has no such feature, or where it is
not driven. The simulator answers OpenAI's and Anthropic's clients as the gateway does; there they are driven through the essentials, and through errors
on command.
"""


def tables(found):
    """A table for each server and wire: a row for each feature, a column for each client."""
    for server, (title, wires) in SERVERS.items():
        yield f"\n## {title}\n"
        for wire in wires:
            own = [entry for entry in found if (entry["server"], entry["wire"]) == (server, wire)]
            yield f"\n### {WIRES[wire]}\n\n{table(own)}"


def table(own):
    clients = sorted({(entry["language"], entry["client"], entry["version"]) for entry in own}, reverse=True)
    works = {(entry["language"], entry["feature"]): entry["works"] for entry in own}
    heads = [f"{language} `{client}` {version}" for language, client, version in clients]
    rows = [f"| feature | {' | '.join(heads)} |", f"|{'---|' * (len(heads) + 1)}"]
    for feature in sorted({entry["feature"] for entry in own}):
        cells = [CELLS[works.get((language, feature))] for language, _, _ in clients]
        rows.append(f"| {feature} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


# What the list of all that was found is sorted by.
ORDER = ["server", "wire", "client", "language", "feature"]
CELLS = {True: "works", False: "**fails**", None: "–"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("suites", nargs="+", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    given = parser.parse_args()
    # A suite that broke before it could write anything has no features to tell.
    suites = [json.loads(path.read_text(encoding="utf-8") or "[]") for path in given.suites if path.exists()]
    found = sorted(sum(suites, []), key=lambda entry: [entry[name] for name in ORDER])
    given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    given.markdown.write_text(PAGE + "".join(tables(found)), encoding="utf-8")
    for server in SERVERS:
        own = [entry for entry in found if entry["server"] == server]
        works = sum(entry["works"] for entry in own)
        clients = len({(entry["client"], entry["language"]) for entry in own})
        print(f"{works} of {len(own)} features of {clients} clients work at plumbline {server}")


if __name__ == "__main__":
    main()
