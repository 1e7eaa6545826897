"""`google-genai`: typed errors, retries and timeouts."""

import asyncio

import httpx2
import pytest
from google.genai import errors, types

import gateway
from gateway import CAPITAL, CAPITAL_ANSWER, STORY
from test_gemini import EMBEDDER, MODEL, connect

# Three tries, the first pauses short.
RETRIES = types.HttpRetryOptions(attempts=3, initial_delay=0.1, jitter=0.1)


# A client that nobody holds is closed.
everyday = connect()


def ask(client, contents=CAPITAL, model=MODEL, **config):
    return client.models.generate_content(model=model, contents=contents, config=config or None)


def refused(kind, code, status, act):
    """The error that something ends in, which must be exactly of this kind."""
    with pytest.raises(errors.APIError) as raised:
        act()
    error = raised.value
    assert (type(error), error.code, error.status) == (kind, code, status), error
    assert error.message and error.details["error"]["code"] == code
    return error


def with_fault(kind):
    return {"http_options": types.HttpOptions(headers=gateway.fault(kind))}


@pytest.mark.feature("errors: 400")
def test_bad_request():
    error = refused(errors.ClientError, 400, "INVALID_ARGUMENT", lambda: ask(everyday, temperature=3))
    [violation] = error.details["error"]["details"][0]["fieldViolations"]
    assert "temperature" in violation["field"] and violation["description"]
    streamed = everyday.models.generate_content_stream(model=MODEL, contents=CAPITAL, config={"candidate_count": 9})
    refused(errors.ClientError, 400, "INVALID_ARGUMENT", lambda: list(streamed))


@pytest.mark.feature("errors: keys")
def test_keys():
    for key in [gateway.UNKNOWN, gateway.EXPIRED]:
        client = connect(key)
        error = refused(errors.ClientError, 400, "INVALID_ARGUMENT", lambda client=client: ask(client))
        assert error.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    client = connect(gateway.NO_MODEL_SCOPES)
    refused(errors.ClientError, 403, "PERMISSION_DENIED", lambda: ask(client))
    refused(
        errors.ClientError,
        403,
        "PERMISSION_DENIED",
        lambda: client.models.embed_content(model=EMBEDDER, contents="hello"),
    )


@pytest.mark.feature("errors: 404")
def test_not_found():
    error = refused(errors.ClientError, 404, "NOT_FOUND", lambda: ask(everyday, model="no-such-model"))
    assert "no-such-model" in error.message
    refused(errors.ClientError, 404, "NOT_FOUND", lambda: ask(everyday, model=EMBEDDER))
    refused(errors.ClientError, 404, "NOT_FOUND", lambda: everyday.models.get(model="no-such-model"))


@pytest.mark.feature("errors: 429")
def test_rate_limited(world):
    client = connect(world.keys["rate_limited"], world.url)
    for _ in range(3):
        assert ask(client).text == CAPITAL_ANSWER
    refused(errors.ClientError, 429, "RESOURCE_EXHAUSTED", lambda: ask(client))


@pytest.mark.feature("errors: 5xx")
def test_broken():
    error = refused(errors.ServerError, 500, "INTERNAL", lambda: ask(everyday, **with_fault("unmapped-error")))
    assert "provider.internal" not in str(error)
    refused(errors.ServerError, 503, "UNAVAILABLE", lambda: ask(everyday, **with_fault("unavailable")))
    assert ask(everyday).text == CAPITAL_ANSWER


@pytest.mark.feature("retries")
@pytest.mark.parametrize(("kind", "members"), [("unavailable", {}), ("rate-limited", {"retry_after": 1})])
def test_retries(world, kind, members):
    fault = world.arm(kind, 2, **members)
    client = connect(world.keys["all_scopes"], world.url, retry_options=RETRIES)
    assert ask(client).text == CAPITAL_ANSWER
    assert world.struck(fault) == 2


@pytest.mark.feature("retries")
def test_retries_that_are_not_enough(world):
    fault = world.arm("unavailable", 4)
    client = connect(world.keys["all_scopes"], world.url, retry_options=RETRIES)
    refused(errors.ServerError, 503, "UNAVAILABLE", lambda: ask(client))
    assert world.struck(fault) == 3


@pytest.mark.feature("retries")
def test_the_asynchronous_client(world):
    fault = world.arm("unavailable", 1)

    async def work():
        async with connect(world.keys["all_scopes"], world.url, retry_options=RETRIES).aio as client:
            answer = await client.models.generate_content(model=MODEL, contents=CAPITAL)
            assert answer.text == CAPITAL_ANSWER
            with pytest.raises(errors.ClientError) as raised:
                await client.models.generate_content(model="no-such-model", contents=CAPITAL)
            assert raised.value.code == 404

    asyncio.run(work())
    assert world.struck(fault) == 1


@pytest.mark.feature("errors in a stream")
def test_broken_stream():
    config = with_fault("truncated-stream")
    chunks = []
    with pytest.raises(errors.APIError) as raised:
        chunks.extend(everyday.models.generate_content_stream(model=MODEL, contents=STORY, config=config))
    assert raised.value.code == 500
    text = "".join(chunk.text or "" for chunk in chunks)
    assert text and ask(everyday, STORY).text.startswith(text)
    assert all(chunk.candidates[0].finish_reason is None for chunk in chunks)


@pytest.mark.feature("timeouts")
def test_timeouts():
    image = types.Part.from_bytes(data=gateway.large_image(), mime_type="image/png")
    hasty, patient = connect(timeout=2), connect(timeout=60_000)
    with pytest.raises(httpx2.TimeoutException):
        ask(hasty, [image])
    assert ask(patient).text == CAPITAL_ANSWER
