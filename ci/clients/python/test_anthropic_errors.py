"""`anthropic`: typed errors, retries and timeouts."""

import asyncio
import base64

import anthropic
import pytest

import gateway
from gateway import CAPITAL, CAPITAL_ANSWER, STORY
from test_anthropic_messages import MODEL, asked, text_of


def connect(api_key=gateway.ALL_SCOPES, url=gateway.URL, **options):
    return anthropic.Anthropic(base_url=url, api_key=api_key, **{"max_retries": 0, **options})


def ask(client, content=CAPITAL, **members):
    return client.messages.create(**asked(content, **members))


def refused(kind, status, name, act):
    """The error that something ends in, which must be exactly of this kind."""
    with pytest.raises(anthropic.APIStatusError) as raised:
        act()
    error = raised.value
    assert (type(error), error.status_code) == (kind, status), error
    assert (error.body["type"], error.body["error"]["type"]) == ("error", name)
    assert error.request_id == error.body["request_id"] == error.response.headers["request-id"]
    assert error.body["error"]["message"]
    return error


@pytest.mark.feature("errors: 400")
def test_bad_request():
    for wrong, member in [
        ({"max_tokens": -1}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"stop_sequences": [" "]}, "stop_sequences"),
        ({"extra_body": {"plumbline": 1}}, "plumbline"),
        ({"thinking": {"type": "enabled", "budget_tokens": 512}}, "budget_tokens"),
    ]:
        refusal = refused(
            anthropic.BadRequestError, 400, "invalid_request_error", lambda wrong=wrong: ask(connect(), **wrong)
        )
        assert member in refusal.body["error"]["message"], refusal


@pytest.mark.feature("errors: 400")
def test_bad_request_for_a_stream():
    refused(anthropic.BadRequestError, 400, "invalid_request_error", lambda: ask(connect(), messages=[], stream=True))


@pytest.mark.feature("errors: 400")
def test_too_long():
    # Longer than the context of the model.
    long = "word " * 210_000
    refused(anthropic.BadRequestError, 400, "invalid_request_error", lambda: ask(connect(), long))


@pytest.mark.feature("errors: 401")
def test_not_authenticated():
    for key in [gateway.UNKNOWN, gateway.EXPIRED]:
        refused(anthropic.AuthenticationError, 401, "authentication_error", lambda key=key: ask(connect(key)))


@pytest.mark.feature("errors: 403")
def test_not_permitted():
    client = connect(gateway.NO_MODEL_SCOPES)
    refused(anthropic.PermissionDeniedError, 403, "permission_error", lambda: ask(client))
    assert MODEL in [model.id for model in client.models.list()]


@pytest.mark.feature("errors: 404")
def test_not_found():
    error = refused(anthropic.NotFoundError, 404, "not_found_error", lambda: ask(connect(), model="no-such-model"))
    assert "no-such-model" in error.body["error"]["message"]
    refused(anthropic.NotFoundError, 404, "not_found_error", lambda: connect().models.retrieve("no-such-model"))
    nowhere = connect(url=gateway.URL + "/~anthropic")
    refused(
        anthropic.NotFoundError,
        404,
        "not_found_error",
        lambda: nowhere.post("/v1/nothing-here", cast_to=object, body={}),
    )


@pytest.mark.feature("errors: 413")
def test_too_large():
    large = "word " * 6_900_000
    refused(anthropic.ContentTooLargeError, 413, "request_too_large", lambda: ask(connect(), large))


@pytest.mark.feature("errors: 429")
def test_rate_limited(world):
    client = connect(world.keys["rate_limited"], world.url + "/~anthropic")
    for left in [2, 1, 0]:
        raw = client.messages.with_raw_response.create(**asked("Hi"))
        assert raw.headers["anthropic-ratelimit-requests-limit"] == "3"
        assert raw.headers["anthropic-ratelimit-requests-remaining"] == str(left)
    error = refused(anthropic.RateLimitError, 429, "rate_limit_error", lambda: ask(client))
    assert int(error.response.headers["retry-after"]) >= 1


@pytest.mark.feature("errors: 5xx")
@pytest.mark.parametrize("stream", [False, True])
def test_broken(stream):
    fault = gateway.fault("unmapped-error")
    error = refused(
        anthropic.InternalServerError, 500, "api_error", lambda: ask(connect(), stream=stream, extra_headers=fault)
    )
    assert "provider.internal" not in error.body["error"]["message"]


@pytest.mark.feature("errors: overloaded")
@pytest.mark.parametrize("stream", [False, True])
def test_overloaded(stream):
    fault = gateway.fault("unavailable")
    error = refused(
        anthropic.OverloadedError, 529, "overloaded_error", lambda: ask(connect(), stream=stream, extra_headers=fault)
    )
    assert isinstance(error, anthropic.InternalServerError)


@pytest.mark.feature("errors in a stream")
def test_broken_stream():
    texts = []
    with pytest.raises(anthropic.APIStatusError) as raised:
        with connect().messages.stream(**asked(STORY), extra_headers=gateway.fault("truncated-stream")) as stream:
            texts.extend(stream.text_stream)
    assert raised.value.body["error"]["type"] == "api_error"
    whole = text_of(ask(connect(), STORY))
    assert texts and whole.startswith("".join(texts)) and whole != "".join(texts)


@pytest.mark.feature("errors in a stream")
def test_broken_stream_of_events():
    texts, types = [], []
    with pytest.raises(anthropic.APIStatusError):
        for event in ask(connect(), STORY, stream=True, extra_headers=gateway.fault("truncated-stream")):
            types.append(event.type)
            if event.type == "content_block_delta":
                texts.append(event.delta.text)
    whole = text_of(ask(connect(), STORY))
    assert texts and whole.startswith("".join(texts)) and whole != "".join(texts)
    assert "message_stop" not in types


@pytest.mark.feature("retries")
@pytest.mark.parametrize(("kind", "members"), [("unavailable", {}), ("rate-limited", {"retry_after": 1})])
def test_retries(world, kind, members):
    fault = world.arm(kind, 2, **members)
    client = connect(world.keys["all_scopes"], world.url + "/~anthropic", max_retries=2)
    raw = client.messages.with_raw_response.create(**asked(CAPITAL))
    assert text_of(raw.parse()) == CAPITAL_ANSWER
    assert raw.retries_taken == world.struck(fault) == 2


@pytest.mark.feature("retries")
def test_retries_that_are_not_enough(world):
    fault = world.arm("unavailable", 3)
    client = connect(world.keys["all_scopes"], world.url + "/~anthropic", max_retries=1)
    refused(anthropic.OverloadedError, 529, "overloaded_error", lambda: ask(client))
    assert world.struck(fault) == 2


@pytest.mark.feature("retries")
def test_retries_of_the_asynchronous_client(world):
    fault = world.arm("unavailable", 1)

    async def work():
        url = world.url + "/~anthropic"
        async with anthropic.AsyncAnthropic(base_url=url, api_key=world.keys["all_scopes"], max_retries=1) as client:
            assert text_of(await client.messages.create(**asked(CAPITAL))) == CAPITAL_ANSWER
        async with anthropic.AsyncAnthropic(base_url=url, api_key=gateway.UNKNOWN) as client:
            with pytest.raises(anthropic.AuthenticationError):
                await client.messages.create(**asked(CAPITAL))

    asyncio.run(work())
    assert world.struck(fault) == 1


@pytest.mark.feature("timeouts")
def test_timeouts():
    client = connect(timeout=0.002)
    data = base64.b64encode(gateway.large_image()).decode()
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    with pytest.raises(anthropic.APITimeoutError):
        ask(client, [image])
    patient = client.with_options(timeout=60)
    assert text_of(ask(patient)) == CAPITAL_ANSWER
