"""The gateway that the clients talk to: its addresses, its keys, its control API, and things to show to its models."""

import base64
import os
import struct
import zlib
from pathlib import Path

import control

URL = os.environ["PLUMBLINE_URL"]
FIXTURES = Path(os.environ["PLUMBLINE_FIXTURES"])

ALL_SCOPES = "sk-plumbline-all-scopes"
NO_MODEL_SCOPES = "sk-plumbline-no-model-scopes"
EXPIRED = "sk-plumbline-expired"
UNKNOWN = "sk-plumbline-nobody-knows-it"

WEATHER = "What is the weather in Paris?"
WEATHER_TWICE = "What is the weather in Paris and in London?"
CAPITAL = "What is the capital of France?"
CAPITAL_ANSWER = "The capital of France is Paris."
STORY = "Please tell me a long story"
# The name and the age are in it for an answer that has to have a form.
PERSON = "Please describe Ada, who is 36, as JSON."
GREEK = "Repeat exactly: alpha beta gamma delta"
ODD = "Zebra 🦓 «ñandú» 日本語 e\u0301 \U0001f469\u200d\U0001f680"


def fault(kind):
    """The headers that make the provider behind the gateway fail at one request."""
    return {"x-plumbline-fault": kind}


def fixture(name):
    return (FIXTURES / name).read_bytes()


def fixture_base64(name):
    return base64.b64encode(fixture(name)).decode()


def data_uri(media_type, name):
    return f"data:{media_type};base64,{fixture_base64(name)}"


def silence(milliseconds):
    """A WAV file of silence, in 8 bits and 8,000 samples a second."""
    samples = milliseconds * 8

    def number(value, length=4):
        return value.to_bytes(length, "little")

    head = (
        b"WAVEfmt "
        + number(16)
        + number(1, 2)
        + number(1, 2)
        + number(8_000)
        + number(8_000)
        + number(1, 2)
        + number(8, 2)
    )
    body = head + b"data" + number(samples) + b"\x80" * samples
    return b"RIFF" + number(len(body)) + body


def large_image():
    """A PNG of 4,096 by 4,096 pixels, which takes a model far longer to look at than a few milliseconds."""
    side = 4_096
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * 3 * side) * side, 1)

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class World(control.World):
    """A world of its own, with the same roles and other secrets."""

    def __init__(self):
        super().__init__(control.Control(URL, os.environ["PLUMBLINE_CONTROL_TOKEN"]))
        self.url = URL + self.made["base_path"]
        self.keys = {key["role"]: key["secret"] for key in self.made["keys"]}

    def arm(self, kind, times, **members):
        """Makes the provider of this world fail so often."""
        return self.arm_rule({"kind": kind, "times": times, **members})
