"""The simulator of the providers that the clients talk to: its addresses, its credentials, its control API."""

import os

import control

CONTROL = control.Control(os.environ["PLUMBLINE_UPSTREAM_URL"], os.environ["PLUMBLINE_UPSTREAM_TOKEN"])
# By provider: its base URL and what it takes, in the world that everybody shares.
CREDENTIALS = next(world["credentials"] for world in CONTROL.ask("GET", "")["worlds"] if world["id"] == "root")


class World(control.World):
    """A world of its own, with the same credentials at other addresses."""

    def __init__(self):
        super().__init__(CONTROL)
        self.credentials = self.made["credentials"]

    def arm(self, provider, kind, times=1, **members):
        """Makes a provider of this world fail so often."""
        return self.arm_rule({"provider": provider, "times": times, "fault": {"kind": kind, **members}})

    def calls(self):
        """What was asked, once all of it has ended."""
        return self.ask("GET", "/journal?wait_ms=10000")["calls"]

    def gate(self, provider):
        """Holds the next streamed answer of a provider back before each piece of its text."""
        return Gate(self, self.ask("POST", "/gates", {"provider": provider})["id"])


class Gate:
    """What holds an answer back."""

    def __init__(self, world, gate_id):
        self.world = world
        self.path = f"/gates/{gate_id}"

    def release(self, through):
        """Lets so many pieces of the text pass, counted from the first."""
        self.world.ask("POST", f"{self.path}/release", {"through": through})

    def sent(self):
        """How many pieces have passed."""
        return self.world.ask("GET", self.path)["sent"]

    def open(self):
        """Lets all the rest pass."""
        self.world.ask("DELETE", self.path)
