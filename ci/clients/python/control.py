"""The control API that `plumbline serve` and `plumbline upstream` have, and the worlds behind it."""

import json
import urllib.request


class Control:
    """The control API of a server."""

    def __init__(self, url, token):
        self.url = url
        self.token = token

    def ask(self, method, path, body=None):
        """What is answered; `path` is the part behind `worlds`."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        request = urllib.request.Request(f"{self.url}/~control/worlds{path}", data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as response:
            text = response.read()
        return json.loads(text) if text else None


class World:
    """A world of its own, which nobody else changes."""

    def __init__(self, control):
        self.control = control
        self.made = control.ask("POST", "")

    def ask(self, method, path="", body=None):
        return self.control.ask(method, f"/{self.made['id']}{path}", body)

    def arm_rule(self, rule):
        """Arms a fault, and says what it is called."""
        return self.ask("POST", "/faults", rule)["id"]

    def struck(self, fault_id):
        """How often a fault has struck."""
        faults = self.ask("GET", "/faults")["faults"]
        return next(fault["struck"] for fault in faults if fault["id"] == fault_id)

    def delete(self):
        self.ask("DELETE")
