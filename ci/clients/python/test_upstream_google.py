"""`google-genai` at the simulated Gemini and at the simulated Vertex AI, which speak nearly the same wire."""

import asyncio
import json

import pytest
from google import genai
from google.genai import types
from google.oauth2 import service_account
from pydantic import BaseModel

import gateway
import simulator
from gateway import CAPITAL, CAPITAL_ANSWER, GREEK, ODD, PERSON, STORY, WEATHER, WEATHER_TWICE

MODELS = {"gemini": "gemini-2.5-flash", "vertex": "gemini-2.0-flash-001"}
EMBEDDERS = {"gemini": ("gemini-embedding-001", 3_072), "vertex": ("text-embedding-005", 768)}
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]

TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="Tells the weather of a city",
            parameters={
                "type": "OBJECT",
                "properties": {
                    "city": {"type": "STRING"},
                    "unit": {"type": "STRING", "enum": ["celsius", "fahrenheit"]},
                },
                "required": ["city", "unit"],
            },
        ),
        types.FunctionDeclaration(name="list_timezones"),
    ]
)
IN_PARIS = {"city": "Paris", "unit": "celsius"}
IN_LONDON = {"city": "London", "unit": "celsius"}

both = pytest.mark.parametrize("wire", ["gemini", "vertex"])


class Person(BaseModel):
    name: str
    age: int


def account(credentials, **members):
    """The service account, which gets its tokens at the simulator; `members` stand in place of its own."""
    info = {**credentials["vertex"]["service_account"], **members}
    return service_account.Credentials.from_service_account_info(info, scopes=SCOPES)


def connect(wire, credentials=simulator.CREDENTIALS, proof=None, **options):
    """A client of a provider; `proof` is shown in place of its key or its service account."""
    own = credentials[wire]
    options = types.HttpOptions(base_url=own["base_url"], **options)
    if wire == "gemini":
        return genai.Client(api_key=proof or own["key"], http_options=options)
    return genai.Client(
        vertexai=True,
        project=own["project"],
        location=own["location"],
        credentials=proof or account(credentials),
        http_options=options,
    )


clients = {wire: connect(wire) for wire in MODELS}


def asked(wire, contents, **config):
    return {"model": MODELS[wire], "contents": contents, "config": config or None}


def ask(wire, contents, **config):
    return clients[wire].models.generate_content(**asked(wire, contents, **config))


def stream(wire, contents, **config):
    return list(clients[wire].models.generate_content_stream(**asked(wire, contents, **config)))


def text_of(chunks):
    return "".join(chunk.text or "" for chunk in chunks)


def calls_of(answer):
    return [(call.name, call.args) for call in answer.function_calls or []]


@both
@pytest.mark.feature("content: whole answers")
def test_whole(wire):
    answer = ask(wire, CAPITAL)
    [candidate] = answer.candidates
    assert answer.text == CAPITAL_ANSWER and candidate.content.role == "model"
    assert candidate.finish_reason is types.FinishReason.STOP
    usage = answer.usage_metadata
    assert usage.prompt_token_count > 0 and usage.candidates_token_count > 0
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count
    assert answer.model_version == MODELS[wire] and answer.response_id != ask(wire, CAPITAL).response_id


@both
@pytest.mark.feature("content: every version of the wire")
def test_versions(wire):
    for version in {"gemini": ["v1", "v1beta"], "vertex": ["v1", "v1beta1"]}[wire]:
        client = connect(wire, api_version=version)
        assert client.models.generate_content(**asked(wire, CAPITAL)).text == CAPITAL_ANSWER


@both
@pytest.mark.feature("content: streams")
def test_streamed(wire):
    whole, chunks = ask(wire, STORY), stream(wire, STORY)
    assert text_of(chunks) == whole.text
    assert len(chunks) > 20 and len({chunk.response_id for chunk in chunks}) == 1
    reasons = [chunk.candidates[0].finish_reason for chunk in chunks]
    assert reasons[-1] is types.FinishReason.STOP and set(reasons[:-1]) == {None}
    assert chunks[-1].usage_metadata == whole.usage_metadata


@both
@pytest.mark.feature("content: streams, piece by piece")
def test_streamed_piece_by_piece(wire, providers):
    gate = providers.gate(wire)
    client = connect(wire, providers.credentials)
    gate.release(1)
    chunks = client.models.generate_content_stream(**asked(wire, CAPITAL))
    text = next(chunks).text
    assert gate.sent() == 1 and CAPITAL_ANSWER.startswith(text)
    gate.release(2)
    text += next(chunks).text
    assert gate.sent() == 2 and CAPITAL_ANSWER.startswith(text)
    gate.open()
    assert text + text_of(chunks) == CAPITAL_ANSWER


@both
@pytest.mark.feature("content: unicode")
def test_unicode(wire):
    assert ask(wire, ODD).text.endswith(f'You said: "{ODD}".')
    assert text_of(stream(wire, ODD)).endswith(f'You said: "{ODD}".')


@both
@pytest.mark.feature("content: system instructions")
def test_system_instruction(wire):
    answer = ask(wire, CAPITAL, system_instruction="You end every sentence with 'meow'.")
    assert answer.text == "The capital of France is Paris, meow."


@both
@pytest.mark.feature("content: limits and stop sequences")
def test_limits(wire):
    limited = ask(wire, STORY, max_output_tokens=5, temperature=0.5, top_p=0.9, seed=7)
    assert limited.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    assert limited.usage_metadata.candidates_token_count == 5 and ask(wire, STORY).text.startswith(limited.text)
    assert stream(wire, STORY, max_output_tokens=5)[-1].candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    stopped = ask(wire, GREEK, stop_sequences=["nowhere", "gamma"])
    assert stopped.candidates[0].finish_reason is types.FinishReason.STOP
    assert "alpha beta" in stopped.text and "gamma" not in stopped.text


@both
@pytest.mark.feature("content: images and files")
def test_images_and_files(wire):
    image = types.Part.from_bytes(data=gateway.fixture("images/pixel.png"), mime_type="image/png")
    assert "1x1 pixels, mostly red" in ask(wire, [image, "Describe this image"]).text
    file = types.Part.from_bytes(data=gateway.fixture("files/minimal.pdf"), mime_type="application/pdf")
    answer = ask(wire, [file, "Zebra"]).text
    assert "1 page" in answer and answer.endswith('You said: "Zebra".')


@both
@pytest.mark.feature("chats")
def test_chats(wire):
    chat = clients[wire].chats.create(model=MODELS[wire])
    assert chat.send_message("My name is Alex.").text == "Hello, Alex! It is nice to meet you."
    assert chat.send_message("What is my name?").text == "Your name is Alex."
    assert text_of(chat.send_message_stream(CAPITAL)) == CAPITAL_ANSWER


@both
@pytest.mark.feature("functions")
def test_functions(wire):
    answer = ask(wire, WEATHER, tools=[TOOL])
    assert calls_of(answer) == [("get_weather", IN_PARIS)]
    result = types.Part.from_function_response(name="get_weather", response={"result": "18 degrees and sunny"})
    turns = [
        types.UserContent(WEATHER),
        answer.candidates[0].content,
        types.Content(role="user", parts=[result]),
    ]
    assert "18 degrees and sunny" in ask(wire, turns, tools=[TOOL]).text


@both
@pytest.mark.feature("functions: parallel and streamed")
def test_parallel_functions(wire):
    expected = [("get_weather", IN_PARIS), ("get_weather", IN_LONDON)]
    assert calls_of(ask(wire, WEATHER_TWICE, tools=[TOOL])) == expected
    streamed = stream(wire, WEATHER_TWICE, tools=[TOOL])
    assert [call for chunk in streamed for call in calls_of(chunk)] == expected


@both
@pytest.mark.feature("functions: which are called")
@pytest.mark.parametrize(
    ("contents", "config", "called"),
    [
        (WEATHER, {"mode": "AUTO"}, ["get_weather"]),
        (WEATHER, {"mode": "NONE"}, []),
        ("Hello", {"mode": "ANY"}, ["get_weather"]),
        ("Hello", {"mode": "ANY", "allowed_function_names": ["list_timezones"]}, ["list_timezones"]),
    ],
)
def test_function_modes(wire, contents, config, called):
    use = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(**config))
    assert [name for name, _ in calls_of(ask(wire, contents, tools=[TOOL], tool_config=use))] == called


@both
@pytest.mark.feature("functions: called by the client")
def test_automatic_functions(wire):
    cities = []

    def get_weather(city: str) -> str:
        """Tells the weather of a city."""
        cities.append(city)
        return f"sun in {city}"

    chat = clients[wire].chats.create(model=MODELS[wire], config={"tools": [get_weather]})
    assert "sun in Paris" in chat.send_message(WEATHER).text and cities == ["Paris"]


@both
@pytest.mark.feature("structured output")
def test_structured(wire):
    as_json = {"response_mime_type": "application/json"}
    assert ask(wire, PERSON, response_schema=Person, **as_json).parsed == Person(name="Ada", age=36)
    ada = {"name": "Ada", "age": 36}
    schema = Person.model_json_schema()
    assert json.loads(ask(wire, PERSON, response_json_schema=schema, **as_json).text) == ada
    assert json.loads(text_of(stream(wire, PERSON, response_schema=Person, **as_json))) == ada


@both
@pytest.mark.feature("token counts")
def test_count_tokens(wire):
    count = clients[wire].models.count_tokens
    counted = count(model=MODELS[wire], contents=CAPITAL).total_tokens
    assert counted == ask(wire, CAPITAL).usage_metadata.prompt_token_count
    assert count(model=MODELS[wire], contents=CAPITAL * 3).total_tokens > counted
    if wire == "vertex":
        # The client counts instructions in this mode alone.
        config = types.CountTokensConfig(system_instruction="Be kind.", tools=[TOOL])
        assert count(model=MODELS[wire], contents=CAPITAL, config=config).total_tokens > counted


@both
@pytest.mark.feature("embeddings")
def test_embeddings(wire):
    model, length = EMBEDDERS[wire]
    embed = clients[wire].models.embed_content
    pair = embed(model=model, contents=["hello", "goodbye"]).embeddings
    [one] = embed(model=model, contents="hello").embeddings
    assert [len(embedding.values) for embedding in pair] == [length, length]
    assert pair[0].values == one.values != pair[1].values
    config = types.EmbedContentConfig(output_dimensionality=256, task_type="RETRIEVAL_DOCUMENT", title="a")
    [short] = embed(model=model, contents="hello", config=config).embeddings
    assert len(short.values) == 256
    if wire == "vertex":
        assert (one.statistics.token_count, one.statistics.truncated) == (1, False)


@both
@pytest.mark.feature("asynchronous client")
def test_async(wire):
    async def work():
        async with connect(wire).aio as client:
            questions = [f"Zebra {number}" for number in range(20)]
            answers = [client.models.generate_content(**asked(wire, text)) for text in questions]
            for question, answer in zip(questions, await asyncio.gather(*answers), strict=True):
                assert answer.text.endswith(f'You said: "{question}".')
            chunks = await client.models.generate_content_stream(**asked(wire, STORY))
            assert text_of([chunk async for chunk in chunks]) == ask(wire, STORY).text
            counted = await client.models.count_tokens(model=MODELS[wire], contents=CAPITAL)
            assert counted.total_tokens > 0

    asyncio.run(work())
