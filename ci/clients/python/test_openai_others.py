"""`openai`: embeddings, models, completions of the old kind, headers, and the asynchronous client."""

import asyncio
import json
import math

import openai
import pytest

import gateway
from gateway import CAPITAL, CAPITAL_ANSWER, PERSON, STORY, WEATHER
from test_openai_chat import IN_PARIS, MODEL, TOOL, Person, user

SMALL, LARGE = "text-embedding-3-small", "text-embedding-3-large"
# "hello" and "hello world" in the encoding cl100k_base.
HELLO, HELLO_WORLD = [15339], [15339, 1917]

client = openai.OpenAI(base_url=gateway.URL + "/v1", api_key=gateway.ALL_SCOPES)


def embed(texts, **members):
    return client.embeddings.create(**{"model": SMALL, "input": texts, **members})


def near(one, other):
    return len(one) == len(other) and all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(one, other, strict=True))


@pytest.mark.feature("embeddings: base64")
def test_embeddings_in_base64():
    # The client asks for base64 where nothing is said, and gives numbers.
    answer = embed(["hello", "goodbye"])
    assert (answer.object, answer.model) == ("list", SMALL)
    assert [(entry.index, len(entry.embedding)) for entry in answer.data] == [(0, 1536), (1, 1536)]
    vectors = [entry.embedding for entry in answer.data]
    assert all(math.isclose(math.hypot(*vector), 1, abs_tol=1e-3) for vector in vectors) and vectors[0] != vectors[1]
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0
    floats = embed(["hello", "goodbye"], encoding_format="float")
    assert all(near(a, b.embedding) for a, b in zip(vectors, floats.data, strict=True))


@pytest.mark.feature("embeddings: floats")
def test_embeddings_in_floats():
    [entry] = embed("hello", encoding_format="float").data
    assert len(entry.embedding) == 1536 and all(isinstance(number, float) for number in entry.embedding)


@pytest.mark.feature("embeddings: dimensions")
def test_dimensions():
    assert len(embed("hello", dimensions=256).data[0].embedding) == 256
    assert len(embed("hello", model=LARGE).data[0].embedding) == 3072


@pytest.mark.feature("embeddings: tokens")
def test_tokens():
    text, tokens = embed("hello"), embed(HELLO)
    assert near(text.data[0].embedding, tokens.data[0].embedding)
    assert text.usage.prompt_tokens == tokens.usage.prompt_tokens == 1
    several = embed([HELLO, HELLO_WORLD])
    assert near(several.data[0].embedding, text.data[0].embedding) and several.usage.prompt_tokens == 3


@pytest.mark.feature("models")
def test_models():
    models = {model.id: model for model in client.models.list()}
    assert {MODEL, "gpt-4.1", "o4-mini", SMALL, LARGE} <= set(models)
    assert all(model.object == "model" and model.owned_by and model.created > 0 for model in models.values())
    assert client.models.retrieve(MODEL) == models[MODEL]
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("no-such-model")
    assert raised.value.code == "model_not_found"


@pytest.mark.feature("completions")
def test_completions():
    answer = client.completions.create(model=MODEL, prompt=CAPITAL, max_tokens=40, n=2, echo=True)
    assert (answer.object, answer.model) == ("text_completion", MODEL) and answer.id.startswith("cmpl-")
    assert [choice.text for choice in answer.choices] == [
        CAPITAL + CAPITAL_ANSWER,
        f"{CAPITAL}{CAPITAL_ANSWER} (choice 2)",
    ]
    assert [(choice.index, choice.finish_reason) for choice in answer.choices] == [(0, "stop"), (1, "stop")]
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    cut = client.completions.create(model=MODEL, prompt=[STORY, CAPITAL])
    assert [choice.finish_reason for choice in cut.choices] == ["length", "stop"]
    logprobs = client.completions.create(model=MODEL, prompt=CAPITAL, logprobs=2).choices[0].logprobs
    assert "".join(logprobs.tokens) == CAPITAL_ANSWER and logprobs.text_offset[:2] == [0, len(logprobs.tokens[0])]


@pytest.mark.feature("completions, streamed")
def test_completions_streamed():
    stream = client.completions.create(model=MODEL, prompt=CAPITAL, stream=True, stream_options={"include_usage": True})
    *parts, last = stream
    assert "".join(chunk.choices[0].text for chunk in parts) == CAPITAL_ANSWER
    assert parts[-1].choices[0].finish_reason == "stop"
    assert last.choices == [] and last.usage.completion_tokens > 0


@pytest.mark.feature("raw responses and headers")
def test_headers():
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=user(CAPITAL))
    assert raw.status_code == 200 and raw.headers["content-type"].startswith("application/json")
    assert raw.headers["openai-processing-ms"].isdigit()
    for what in ["requests", "tokens"]:
        limit = int(raw.headers[f"x-ratelimit-limit-{what}"])
        assert 0 <= int(raw.headers[f"x-ratelimit-remaining-{what}"]) <= limit
        assert raw.headers[f"x-ratelimit-reset-{what}"].endswith("s")
    answer = raw.parse()
    assert answer.choices[0].message.content == CAPITAL_ANSWER
    assert answer._request_id == raw.request_id == raw.headers["x-request-id"]
    again = client.chat.completions.create(model=MODEL, messages=user(CAPITAL))
    assert again._request_id not in (None, answer._request_id)
    with client.chat.completions.with_streaming_response.create(
        model=MODEL, messages=user(CAPITAL), stream=True
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-request-id"]
        assert [line for line in response.iter_lines() if line][-1] == "data: [DONE]"


def run(work):
    """Has an asynchronous client work, and closes it."""

    async def worked():
        async with openai.AsyncOpenAI(base_url=gateway.URL + "/v1", api_key=gateway.ALL_SCOPES) as client:
            return await work(client)

    return asyncio.run(worked())


@pytest.mark.feature("asynchronous client: chat")
def test_async_chat():
    async def work(client):
        questions = [f"Zebra {number}" for number in range(20)]
        asked = [client.chat.completions.create(model=MODEL, messages=user(text)) for text in questions]
        for question, answer in zip(questions, await asyncio.gather(*asked), strict=True):
            assert answer.choices[0].message.content.endswith(f'You said: "{question}".')
        stream = await client.chat.completions.create(model=MODEL, messages=user(CAPITAL), stream=True)
        texts = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(texts) == CAPITAL_ANSWER
        tools = await client.chat.completions.create(model=MODEL, messages=user(WEATHER), tools=[TOOL])
        [call] = tools.choices[0].message.tool_calls
        assert json.loads(call.function.arguments) == IN_PARIS

    run(work)


@pytest.mark.feature("asynchronous client: helpers")
def test_async_helpers():
    async def work(client):
        parsed = await client.chat.completions.parse(model=MODEL, messages=user(PERSON), response_format=Person)
        assert parsed.choices[0].message.parsed == Person(name="Ada", age=36)
        async with client.chat.completions.stream(model=MODEL, messages=user(STORY)) as stream:
            deltas = [event.delta async for event in stream if event.type == "content.delta"]
            final = await stream.get_final_completion()
        assert "".join(deltas) == final.choices[0].message.content != ""

    run(work)


@pytest.mark.feature("asynchronous client: responses")
def test_async_responses():
    async def work(client):
        first = await client.responses.create(model=MODEL, input="My name is Alex.")
        async with client.responses.stream(
            model=MODEL, input="What is my name?", previous_response_id=first.id
        ) as stream:
            types = [event.type async for event in stream]
            final = await stream.get_final_response()
        assert types[0] == "response.created" and types[-1] == "response.completed"
        assert final.output_text == "Your name is Alex."
        items = [item async for item in client.responses.input_items.list(first.id, limit=1)]
        assert [item.content[0].text for item in items] == ["My name is Alex."]
        parsed = await client.responses.parse(model=MODEL, input=PERSON, text_format=Person)
        assert parsed.output_parsed == Person(name="Ada", age=36)

    run(work)


@pytest.mark.feature("asynchronous client: embeddings and models")
def test_async_others():
    async def work(client):
        answer = await client.embeddings.create(model=SMALL, input="hello", dimensions=8)
        assert near(answer.data[0].embedding, embed("hello", dimensions=8).data[0].embedding)
        assert MODEL in [model.id async for model in client.models.list()]

    run(work)
