"""`openai`: typed errors, retries and timeouts."""

import asyncio

import openai
import pytest

import gateway
from gateway import CAPITAL, CAPITAL_ANSWER, STORY
from test_openai_chat import MODEL, user


def connect(api_key=gateway.ALL_SCOPES, url=gateway.URL + "/v1", **options):
    return openai.OpenAI(base_url=url, api_key=api_key, **{"max_retries": 0, **options})


def ask(client, content=CAPITAL, **members):
    return client.chat.completions.create(**{"model": MODEL, "messages": user(content), **members})


def refused(kind, status, act):
    """The error that something ends in, which must be exactly of this kind."""
    with pytest.raises(openai.APIStatusError) as raised:
        act()
    error = raised.value
    assert (type(error), error.status_code) == (kind, status), error
    assert error.request_id == error.response.headers["x-request-id"]
    assert error.message and error.type
    assert {"message", "type", "param", "code"} == set(error.body)
    return error


@pytest.mark.feature("errors: 400")
def test_bad_request():
    error = refused(openai.BadRequestError, 400, lambda: ask(connect(), temperature=3))
    assert (error.type, error.param, error.code) == ("invalid_request_error", "temperature", "decimal_above_max_value")
    error = refused(openai.BadRequestError, 400, lambda: ask(connect(), messages=[]))
    assert (error.param, error.code) == ("messages", "empty_array")
    error = refused(openai.BadRequestError, 400, lambda: ask(connect(), extra_body={"plumbline": 1}))
    assert (error.param, error.code) == ("plumbline", "unknown_parameter")
    error = refused(openai.BadRequestError, 400, lambda: ask(connect(), "word " * 20_000, model="gpt-3.5-turbo"))
    assert (error.param, error.code) == ("messages", "context_length_exceeded")


@pytest.mark.feature("errors: 400")
def test_bad_request_for_a_stream():
    error = refused(openai.BadRequestError, 400, lambda: ask(connect(), n=0, stream=True))
    assert error.param == "n"


@pytest.mark.feature("errors: 401")
def test_not_authenticated():
    for key in [gateway.UNKNOWN, gateway.EXPIRED]:
        error = refused(openai.AuthenticationError, 401, lambda key=key: ask(connect(key)))
        assert (error.type, error.code) == ("invalid_request_error", "invalid_api_key")


@pytest.mark.feature("errors: 403")
def test_not_permitted():
    client = connect(gateway.NO_MODEL_SCOPES)
    refused(openai.PermissionDeniedError, 403, lambda: ask(client))
    refused(openai.PermissionDeniedError, 403, lambda: client.responses.create(model=MODEL, input=CAPITAL))
    embed = {"model": "text-embedding-3-small", "input": "hello"}
    refused(openai.PermissionDeniedError, 403, lambda: client.embeddings.create(**embed))
    assert MODEL in [model.id for model in client.models.list()]


@pytest.mark.feature("errors: 404")
def test_not_found():
    error = refused(openai.NotFoundError, 404, lambda: ask(connect(), model="no-such-model"))
    assert error.code == "model_not_found" and "no-such-model" in error.message
    refused(openai.NotFoundError, 404, lambda: connect().post("/nothing-here", cast_to=object, body={}))
    refused(openai.NotFoundError, 404, lambda: connect().responses.retrieve("resp_none"))


@pytest.mark.feature("errors: 405")
def test_wrong_method():
    refused(openai.APIStatusError, 405, lambda: connect().get("/chat/completions", cast_to=object))


@pytest.mark.feature("errors: 429")
def test_rate_limited(world):
    client = connect(world.keys["rate_limited"], world.url + "/~openai/v1")
    for left in [2, 1, 0]:
        raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=user("Hi"))
        assert raw.headers["x-ratelimit-limit-requests"] == "3"
        assert raw.headers["x-ratelimit-remaining-requests"] == str(left)
    error = refused(openai.RateLimitError, 429, lambda: ask(client))
    assert (error.type, error.code) == ("requests", "rate_limit_exceeded")
    assert int(error.response.headers["retry-after"]) >= 1
    assert error.response.headers["x-ratelimit-remaining-requests"] == "0"
    # The limit is this key's alone.
    others = connect(world.keys["all_scopes"], world.url + "/~openai/v1")
    assert ask(others).choices[0].message.content == CAPITAL_ANSWER


@pytest.mark.feature("errors: 5xx")
@pytest.mark.parametrize("stream", [False, True])
def test_broken(stream):
    fault = gateway.fault("unmapped-error")
    error = refused(openai.InternalServerError, 500, lambda: ask(connect(), stream=stream, extra_headers=fault))
    assert error.type == "server_error" and "provider.internal" not in error.message
    fault = gateway.fault("unavailable")
    refused(openai.InternalServerError, 503, lambda: ask(connect(), stream=stream, extra_headers=fault))


@pytest.mark.feature("errors in a stream")
def test_broken_stream():
    texts = []
    with pytest.raises(openai.APIError) as raised:
        for chunk in ask(connect(), STORY, stream=True, extra_headers=gateway.fault("truncated-stream")):
            texts.append(chunk.choices[0].delta.content or "")
    assert not isinstance(raised.value, openai.APIConnectionError) and raised.value.type == "server_error"
    whole = ask(connect(), STORY).choices[0].message.content
    assert "".join(texts) and whole.startswith("".join(texts)) and whole != "".join(texts)


@pytest.mark.feature("errors in a stream")
def test_broken_stream_of_a_response():
    fault = gateway.fault("truncated-stream")
    *_, last = connect().responses.create(model=MODEL, input=STORY, stream=True, extra_headers=fault)
    assert (last.type, last.response.status, last.response.error.code) == ("response.failed", "failed", "server_error")


@pytest.mark.feature("retries")
@pytest.mark.parametrize(("kind", "members"), [("unavailable", {}), ("rate-limited", {"retry_after": 1})])
def test_retries(world, kind, members):
    fault = world.arm(kind, 2, **members)
    client = connect(world.keys["all_scopes"], world.url + "/~openai/v1", max_retries=2)
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=user(CAPITAL))
    assert raw.parse().choices[0].message.content == CAPITAL_ANSWER
    assert raw.retries_taken == world.struck(fault) == 2


@pytest.mark.feature("retries")
def test_retries_that_are_not_enough(world):
    fault = world.arm("unavailable", 3)
    client = connect(world.keys["all_scopes"], world.url + "/~openai/v1", max_retries=1)
    refused(openai.InternalServerError, 503, lambda: ask(client))
    assert world.struck(fault) == 2


@pytest.mark.feature("retries")
def test_mistakes_are_not_retried(world):
    fault = world.arm("rejected", 3)
    client = connect(world.keys["all_scopes"], world.url + "/~openai/v1", max_retries=2)
    refused(openai.BadRequestError, 400, lambda: ask(client))
    assert world.struck(fault) == 1


@pytest.mark.feature("retries")
def test_retries_of_the_asynchronous_client(world):
    fault = world.arm("unavailable", 1)

    async def work():
        url = world.url + "/~openai/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key=world.keys["all_scopes"], max_retries=1) as client:
            answer = await client.chat.completions.create(model=MODEL, messages=user(CAPITAL))
            assert answer.choices[0].message.content == CAPITAL_ANSWER
        async with openai.AsyncOpenAI(base_url=url, api_key=gateway.UNKNOWN) as client:
            with pytest.raises(openai.AuthenticationError):
                await client.chat.completions.create(model=MODEL, messages=user(CAPITAL))

    asyncio.run(work())
    assert world.struck(fault) == 1


@pytest.mark.feature("timeouts")
def test_timeouts():
    client = connect(timeout=0.002)
    # Six million numbers take longer than that.
    with pytest.raises(openai.APITimeoutError):
        client.embeddings.create(model="text-embedding-3-large", input=["word"] * 2_048)
    patient = client.with_options(timeout=60)
    assert ask(patient).choices[0].message.content == CAPITAL_ANSWER
