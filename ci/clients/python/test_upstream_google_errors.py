"""`google-genai` at the simulated Gemini and at the simulated Vertex AI: typed errors, retries and timeouts."""

import functools

import httpx2
import pytest
from google.genai import errors, types

from gateway import CAPITAL, CAPITAL_ANSWER, STORY
from test_upstream_google import EMBEDDERS, MODELS, ask, asked, both, clients, connect, stream, text_of

# Three tries, the first pauses short.
RETRIES = types.HttpRetryOptions(attempts=3, initial_delay=0.1, jitter=0.1)


def refused(kind, code, status, act):
    """What is told by the error that something ends in, which must be exactly of this kind."""
    with pytest.raises(errors.APIError) as raised:
        act()
    error = raised.value
    assert (type(error), error.code, error.status) == (kind, code, status), error
    assert error.message and error.details["error"]["code"] == code
    return error


@both
@pytest.mark.feature("errors: 400")
def test_bad_request(wire):
    wrong = {"temperature": 3}
    error = refused(errors.ClientError, 400, "INVALID_ARGUMENT", lambda: ask(wire, CAPITAL, **wrong))
    assert "temperature" in error.message
    refused(errors.ClientError, 400, "INVALID_ARGUMENT", lambda: stream(wire, CAPITAL, candidate_count=99))
    junk = types.Part.from_bytes(data=b"junk", mime_type="image/png")
    refused(errors.ClientError, 400, "INVALID_ARGUMENT", lambda: ask(wire, [junk, "Describe this image"]))


@both
@pytest.mark.feature("errors: 404")
def test_not_found(wire):
    models, (embedder, _) = clients[wire].models, EMBEDDERS[wire]
    for call, model in [
        (models.generate_content, "no-such-model"),
        (models.count_tokens, "no-such-model"),
        (models.embed_content, "no-such-model"),
        (models.generate_content, embedder),
        (models.embed_content, MODELS[wire]),
    ]:
        act = functools.partial(call, model=model, contents=CAPITAL)
        assert model in refused(errors.ClientError, 404, "NOT_FOUND", act).message


@both
@pytest.mark.feature("errors: every kind")
@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (400, "INVALID_ARGUMENT", errors.ClientError),
        (401, "UNAUTHENTICATED", errors.ClientError),
        (403, "PERMISSION_DENIED", errors.ClientError),
        (404, "NOT_FOUND", errors.ClientError),
        (429, "RESOURCE_EXHAUSTED", errors.ClientError),
        (500, "INTERNAL", errors.ServerError),
        (503, "UNAVAILABLE", errors.ServerError),
        (504, "DEADLINE_EXCEEDED", errors.ServerError),
    ],
)
def test_every_kind(wire, providers, code, status, kind):
    fault = providers.arm(wire, "status", 2, status=code, message="not now", retry_after=7)
    client = connect(wire, providers.credentials)
    for act in [
        lambda: client.models.generate_content(**asked(wire, CAPITAL)),
        lambda: list(client.models.generate_content_stream(**asked(wire, CAPITAL))),
    ]:
        error = refused(kind, code, status, act)
        assert error.message == "not now"
        [detail] = error.details["error"]["details"]
        assert detail == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}
    assert providers.struck(fault) == 2


@both
@pytest.mark.feature("errors in a stream")
@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [(429, "RESOURCE_EXHAUSTED", errors.ClientError), (503, "UNAVAILABLE", errors.ServerError)],
)
def test_an_error_in_a_stream(wire, providers, code, status, kind):
    providers.arm(wire, "error-event", status=code, after_events=3, message="no more")
    client = connect(wire, providers.credentials)
    chunks = []

    def read():
        for chunk in client.models.generate_content_stream(**asked(wire, STORY)):
            chunks.append(chunk)

    assert refused(kind, code, status, read).message == "no more"
    assert len(chunks) == 3 and ask(wire, STORY).text.startswith(text_of(chunks))


@both
@pytest.mark.feature("streams that break")
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("cut-stream", httpx2.RemoteProtocolError),
        ("reset", httpx2.ReadError),
        ("malformed-sse", errors.UnknownApiResponseError),
        ("truncated-json", errors.UnknownApiResponseError),
    ],
)
def test_a_stream_that_breaks(wire, providers, kind, error):
    providers.arm(wire, kind, after_events=4)
    client = connect(wire, providers.credentials)
    chunks = []
    with pytest.raises(error):
        for chunk in client.models.generate_content_stream(**asked(wire, STORY)):
            chunks.append(chunk)
    assert len(chunks) == 4 and ask(wire, STORY).text.startswith(text_of(chunks))


@both
@pytest.mark.feature("retries")
@pytest.mark.parametrize(("code", "times"), [(429, 2), (503, 2), (500, 1)])
def test_retries(wire, providers, code, times):
    providers.arm(wire, "status", times, status=code)
    client = connect(wire, providers.credentials, retry_options=RETRIES)
    assert client.models.generate_content(**asked(wire, CAPITAL)).text == CAPITAL_ANSWER
    assert [call["status"] for call in providers.calls()] == [code] * times + [200]


@both
@pytest.mark.feature("retries")
def test_retries_that_do_not_help(wire, providers):
    fault = providers.arm(wire, "status", 5, status=503)
    patient = connect(wire, providers.credentials, retry_options=RETRIES)
    refused(errors.ServerError, 503, "UNAVAILABLE", lambda: patient.models.generate_content(**asked(wire, CAPITAL)))
    assert providers.struck(fault) == 3
    hasty = connect(wire, providers.credentials)
    refused(errors.ServerError, 503, "UNAVAILABLE", lambda: hasty.models.generate_content(**asked(wire, CAPITAL)))
    assert providers.struck(fault) == 4


@both
@pytest.mark.feature("timeouts")
def test_timeouts(wire, providers):
    providers.arm(wire, "hang")
    client = connect(wire, providers.credentials, timeout=500)
    with pytest.raises(httpx2.TimeoutException):
        client.models.generate_content(**asked(wire, CAPITAL))
    [call] = providers.calls()
    assert (call["status"], call["outcome"], call["fault"]) == (None, "left", "hang")
