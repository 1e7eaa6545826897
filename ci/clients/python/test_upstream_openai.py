"""`openai` at the simulated OpenAI: the essentials, which `test_openai_*` go into at the gateway."""

import httpx2
import openai
import pytest

import simulator
from gateway import CAPITAL, CAPITAL_ANSWER, STORY, WEATHER
from test_openai_chat import IN_PARIS, MODEL, TOOL, arguments, user


def connect(credentials=simulator.CREDENTIALS, api_key=None, **options):
    own = credentials["openai"]
    url = f"{own['base_url']}/v1"
    return openai.OpenAI(base_url=url, api_key=api_key or own["key"], **{"max_retries": 0, **options})


client = connect()


def ask(content=CAPITAL, client=client, **members):
    return client.chat.completions.create(**{"model": MODEL, "messages": user(content), **members})


def text_of(answer):
    return answer.choices[0].message.content


def joined(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@pytest.mark.feature("chat")
def test_chat():
    answer = ask()
    assert (text_of(answer), answer.choices[0].finish_reason) == (CAPITAL_ANSWER, "stop")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert arguments(ask(WEATHER, tools=[TOOL]).choices[0].message) == [IN_PARIS]


@pytest.mark.feature("chat: streams")
def test_streams():
    chunks = list(ask(STORY, stream=True, stream_options={"include_usage": True}))
    assert joined(chunks) == text_of(ask(STORY)) and chunks[-1].usage == ask(STORY).usage


@pytest.mark.feature("chat: streams, piece by piece")
def test_streams_piece_by_piece(providers):
    gate = providers.gate("openai")
    chunks = iter(ask(client=connect(providers.credentials), stream=True))
    assert joined([next(chunks)]) == "" and gate.sent() == 0
    gate.release(1)
    text = joined([next(chunks)])
    assert text and CAPITAL_ANSWER.startswith(text) and gate.sent() == 1
    gate.open()
    assert text + joined(chunks) == CAPITAL_ANSWER


@pytest.mark.feature("responses")
def test_responses():
    assert client.responses.create(model=MODEL, input=CAPITAL).output_text == CAPITAL_ANSWER
    events = client.responses.create(model=MODEL, input=CAPITAL, stream=True)
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == CAPITAL_ANSWER


@pytest.mark.feature("completions, embeddings and models")
def test_others():
    embedded = client.embeddings.create(model="text-embedding-3-small", input=["hello", "goodbye"])
    assert [len(one.embedding) for one in embedded.data] == [1_536, 1_536]
    assert client.completions.create(model="gpt-3.5-turbo", prompt=CAPITAL).choices[0].text.strip() == CAPITAL_ANSWER
    assert MODEL in [model.id for model in client.models.list()]


@pytest.mark.feature("errors")
@pytest.mark.parametrize("stream", [False, True])
def test_errors(stream):
    nobody = connect(api_key="sk-nobody")
    for kind, code, act in [
        (openai.AuthenticationError, "invalid_api_key", lambda: ask(client=nobody, stream=stream)),
        (openai.BadRequestError, "decimal_above_max_value", lambda: ask(temperature=3, stream=stream)),
        (openai.NotFoundError, "model_not_found", lambda: ask(model="no-such-model", stream=stream)),
    ]:
        with pytest.raises(openai.APIStatusError) as raised:
            act()
        error = raised.value
        assert (type(error), error.code) == (kind, code) and error.message
        assert error.request_id == error.response.headers["x-request-id"]


@pytest.mark.feature("errors: every kind")
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_every_kind(providers, status, kind):
    providers.arm("openai", "status", status=status, message="not now", retry_after=7)
    with pytest.raises(kind) as raised:
        ask(client=connect(providers.credentials))
    error = raised.value
    assert error.status_code == status and error.body["message"] == "not now" and error.type
    assert error.response.headers["retry-after"] == "7" and error.request_id


@pytest.mark.feature("errors in a stream")
def test_an_error_in_a_stream(providers):
    providers.arm("openai", "error-event", status=500, after_events=3, message="no more")
    chunks = []
    with pytest.raises(openai.APIError, match="no more") as raised:
        for chunk in ask(STORY, client=connect(providers.credentials), stream=True):
            chunks.append(chunk)
    assert raised.value.type == "server_error"
    assert len(chunks) == 3 and text_of(ask(STORY)).startswith(joined(chunks))


@pytest.mark.feature("errors in a stream of a response")
def test_an_error_in_a_stream_of_a_response(providers):
    providers.arm("openai", "error-event", status=500, after_events=3, message="no more")
    *events, last = connect(providers.credentials).responses.create(model=MODEL, input=STORY, stream=True)
    assert (last.type, last.message, last.sequence_number) == ("error", "no more", len(events))


@pytest.mark.feature("streams that break")
@pytest.mark.parametrize("kind", ["cut-stream", "reset"])
def test_a_stream_that_breaks(providers, kind):
    providers.arm("openai", kind, after_events=4)
    chunks = []
    with pytest.raises(openai.APIConnectionError) as raised:
        for chunk in ask(STORY, client=connect(providers.credentials), stream=True):
            chunks.append(chunk)
    assert isinstance(raised.value.__cause__, httpx2.TransportError)
    assert len(chunks) == 4 and text_of(ask(STORY)).startswith(joined(chunks))


@pytest.mark.feature("retries and timeouts")
def test_retries(providers):
    fault = providers.arm("openai", "status", 2, status=429, retry_after=1)
    client = connect(providers.credentials, max_retries=2)
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=user(CAPITAL))
    assert text_of(raw.parse()) == CAPITAL_ANSWER and raw.retries_taken == providers.struck(fault) == 2


@pytest.mark.feature("retries and timeouts")
def test_timeouts(providers):
    providers.arm("openai", "hang")
    with pytest.raises(openai.APITimeoutError):
        ask(client=connect(providers.credentials, timeout=0.5))
    [call] = providers.calls()
    assert (call["status"], call["outcome"], call["fault"]) == (None, "left", "hang")
