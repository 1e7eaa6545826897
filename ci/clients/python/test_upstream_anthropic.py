"""`anthropic` at the simulated Anthropic: the essentials, which `test_anthropic_*` go into at the gateway."""

import json

import anthropic
import httpx2
import pytest

import simulator
from gateway import CAPITAL, CAPITAL_ANSWER, STORY, WEATHER
from test_anthropic_messages import IN_PARIS, MODEL, TOOL, asked, calls_of, text_of


def connect(credentials=simulator.CREDENTIALS, api_key=None, **options):
    own = credentials["anthropic"]
    return anthropic.Anthropic(base_url=own["base_url"], api_key=api_key or own["key"], **{"max_retries": 0, **options})


client = connect()


def ask(content=CAPITAL, client=client, **members):
    return client.messages.create(**asked(content, **members))


@pytest.mark.feature("messages")
def test_messages():
    answer = ask()
    assert (text_of(answer), answer.stop_reason) == (CAPITAL_ANSWER, "end_turn")
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0
    assert [call.input for call in calls_of(ask(WEATHER, tools=[TOOL]))] == [IN_PARIS]


@pytest.mark.feature("messages: streams")
def test_streams():
    with client.messages.stream(**asked(STORY)) as stream:
        text = "".join(stream.text_stream)
        last = stream.get_final_message()
    whole = ask(STORY)
    assert text == text_of(last) == text_of(whole) and last.usage.output_tokens == whole.usage.output_tokens


@pytest.mark.feature("messages: streams, piece by piece")
def test_streams_piece_by_piece(providers):
    gate = providers.gate("anthropic")
    gate.release(1)
    with connect(providers.credentials).messages.stream(**asked(CAPITAL)) as stream:
        texts = iter(stream.text_stream)
        text = next(texts)
        assert text and CAPITAL_ANSWER.startswith(text) and gate.sent() == 1
        gate.open()
        assert text + "".join(texts) == CAPITAL_ANSWER


@pytest.mark.feature("token counts and models")
def test_others():
    counted = client.messages.count_tokens(model=MODEL, messages=asked(CAPITAL)["messages"])
    assert counted.input_tokens == ask().usage.input_tokens
    assert MODEL in [model.id for model in client.models.list()]


@pytest.mark.feature("errors")
@pytest.mark.parametrize("stream", [False, True])
def test_errors(stream):
    nobody = connect(api_key="sk-nobody")
    for kind, name, act in [
        (anthropic.AuthenticationError, "authentication_error", lambda: ask(client=nobody, stream=stream)),
        (anthropic.BadRequestError, "invalid_request_error", lambda: ask(max_tokens=-1, stream=stream)),
        (anthropic.NotFoundError, "not_found_error", lambda: ask(model="no-such-model", stream=stream)),
    ]:
        with pytest.raises(anthropic.APIStatusError) as raised:
            act()
        error = raised.value
        assert (type(error), error.body["error"]["type"]) == (kind, name) and error.body["error"]["message"]
        assert error.request_id == error.body["request_id"] == error.response.headers["request-id"]


@pytest.mark.feature("errors: every kind")
@pytest.mark.parametrize(
    ("status", "kind", "name"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (413, anthropic.ContentTooLargeError, "request_too_large"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (504, anthropic.GatewayTimeoutError, "timeout_error"),
        (529, anthropic.OverloadedError, "overloaded_error"),
    ],
)
def test_every_kind(providers, status, kind, name):
    providers.arm("anthropic", "status", status=status, message="not now", retry_after=7)
    with pytest.raises(kind) as raised:
        ask(client=connect(providers.credentials))
    error = raised.value
    assert error.status_code == status and error.body["error"] == {"type": name, "message": "not now"}
    assert error.request_id == error.body["request_id"] and error.response.headers["retry-after"] == "7"


@pytest.mark.feature("errors in a stream")
@pytest.mark.parametrize(("status", "name"), [(429, "rate_limit_error"), (529, "overloaded_error")])
def test_an_error_in_a_stream(providers, status, name):
    providers.arm("anthropic", "error-event", status=status, after_events=5, message="no more")
    texts = []
    with pytest.raises(anthropic.APIStatusError) as raised:
        with connect(providers.credentials).messages.stream(**asked(STORY)) as stream:
            texts.extend(stream.text_stream)
    assert raised.value.body["error"] == {"type": name, "message": "no more"}
    assert texts and text_of(ask(STORY)).startswith("".join(texts))


@pytest.mark.feature("streams that break")
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("cut-stream", httpx2.RemoteProtocolError),
        ("reset", httpx2.ReadError),
        ("truncated-json", json.JSONDecodeError),
    ],
)
def test_a_stream_that_breaks(providers, kind, error):
    providers.arm("anthropic", kind, after_events=5)
    texts = []
    with pytest.raises(error):
        with connect(providers.credentials).messages.stream(**asked(STORY)) as stream:
            texts.extend(stream.text_stream)
    assert texts and text_of(ask(STORY)).startswith("".join(texts))


@pytest.mark.feature("retries and timeouts")
def test_retries(providers):
    fault = providers.arm("anthropic", "status", 2, status=529, retry_after=1)
    client = connect(providers.credentials, max_retries=2)
    raw = client.messages.with_raw_response.create(**asked(CAPITAL))
    assert text_of(raw.parse()) == CAPITAL_ANSWER and raw.retries_taken == providers.struck(fault) == 2


@pytest.mark.feature("retries and timeouts")
def test_timeouts(providers):
    providers.arm("anthropic", "hang")
    with pytest.raises(anthropic.APITimeoutError):
        ask(client=connect(providers.credentials, timeout=0.5))
    [call] = providers.calls()
    assert (call["status"], call["outcome"], call["fault"]) == (None, "left", "hang")
