"""Takes a Postman collection out of a text that has something before and after it: extract.py TEXT COLLECTION"""

import json
import pathlib
import sys


def requests(item):
    """The requests of a folder and of those in it."""
    return [item] if "request" in item else [one for inner in item["item"] for one in requests(inner)]


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    text = source.read_text(encoding="utf-8")
    collection, _ = json.JSONDecoder().raw_decode(text[text.index("{\n") :])
    target.write_text(json.dumps(collection), encoding="utf-8")
    print(f"{collection['info']['name']}: {len(requests(collection))} requests")


main()
