"""`google-genai`: content, chats, functions, embeddings and models."""

import asyncio
import json

import pytest
from google import genai
from google.genai import types
from pydantic import BaseModel

import gateway
from gateway import CAPITAL, CAPITAL_ANSWER, GREEK, ODD, PERSON, STORY, WEATHER, WEATHER_TWICE

MODEL = "gemini-2.5-flash"
EMBEDDER = "gemini-embedding-001"


def connect(api_key=gateway.ALL_SCOPES, url=gateway.URL, **options):
    options = types.HttpOptions(base_url=url + "/~gemini", api_version="v1beta", **options)
    return genai.Client(api_key=api_key, http_options=options)


client = connect()

SCHEMA = {
    "type": "OBJECT",
    "properties": {"city": {"type": "STRING"}, "unit": {"type": "STRING", "enum": ["celsius", "fahrenheit"]}},
    "required": ["city", "unit"],
}
TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(name="get_weather", description="Tells the weather of a city", parameters=SCHEMA),
        types.FunctionDeclaration(name="list_timezones"),
    ]
)
IN_PARIS = {"city": "Paris", "unit": "celsius"}
IN_LONDON = {"city": "London", "unit": "celsius"}


class Person(BaseModel):
    name: str
    age: int


def ask(contents, **config):
    return client.models.generate_content(
        model=MODEL, contents=contents, config=types.GenerateContentConfig(**config) if config else None
    )


def stream(contents, **config):
    config = types.GenerateContentConfig(**config) if config else None
    return list(client.models.generate_content_stream(model=MODEL, contents=contents, config=config))


def calls_of(answer):
    return [(call.name, call.args) for call in answer.function_calls or []]


@pytest.mark.feature("content: whole answers")
def test_whole():
    answer = ask(CAPITAL)
    [candidate] = answer.candidates
    assert answer.text == CAPITAL_ANSWER
    assert (candidate.content.role, candidate.index) == ("model", 0)
    assert candidate.finish_reason is types.FinishReason.STOP
    usage = answer.usage_metadata
    thoughts = usage.thoughts_token_count or 0
    assert usage.prompt_token_count > 0 and usage.candidates_token_count > 0
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count + thoughts
    assert MODEL in answer.model_version and answer.response_id != ask(CAPITAL).response_id


@pytest.mark.feature("content: system instructions")
def test_system_instruction():
    answer = ask(CAPITAL, system_instruction="You end every sentence with 'meow'.")
    assert answer.text == "The capital of France is Paris, meow."


@pytest.mark.feature("content: unicode")
def test_unicode():
    assert ask(ODD).text.endswith(f'You said: "{ODD}".')
    assert "".join(chunk.text or "" for chunk in stream(ODD)).endswith(f'You said: "{ODD}".')


@pytest.mark.feature("content: streams")
def test_streamed():
    whole, chunks = ask(STORY), stream(STORY)
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert len(chunks) > 20 and len({chunk.response_id for chunk in chunks}) == 1
    reasons = [chunk.candidates[0].finish_reason for chunk in chunks]
    assert reasons[-1] is types.FinishReason.STOP and set(reasons[:-1]) == {None}
    assert chunks[-1].usage_metadata.candidates_token_count == whole.usage_metadata.candidates_token_count


@pytest.mark.feature("content: sampling parameters")
def test_sampling():
    config = {
        "temperature": 2,
        "top_p": 0.5,
        "top_k": 40,
        "seed": 7,
        "presence_penalty": 1,
        "frequency_penalty": -1,
        "safety_settings": [
            types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_ONLY_HIGH"),
        ],
    }
    assert ask(STORY, **config).text == ask(STORY, **config).text != ""


@pytest.mark.feature("content: several candidates")
def test_candidates():
    answer = ask(CAPITAL, candidate_count=2)
    texts = [candidate.content.parts[0].text for candidate in answer.candidates]
    assert texts == [CAPITAL_ANSWER, f"{CAPITAL_ANSWER} (choice 2)"]
    assert answer.candidates[1].index == 1


@pytest.mark.feature("content: token limits")
def test_token_limit():
    answer = ask(STORY, max_output_tokens=5, thinking_config=types.ThinkingConfig(thinking_budget=0))
    assert answer.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    assert answer.usage_metadata.candidates_token_count == 5 and ask(STORY).text.startswith(answer.text)
    last = stream(STORY, max_output_tokens=5)[-1]
    assert last.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS


@pytest.mark.feature("content: stop sequences")
def test_stop_sequences():
    answer = ask(GREEK, stop_sequences=["nowhere", "gamma"])
    assert answer.candidates[0].finish_reason is types.FinishReason.STOP
    assert "alpha beta" in answer.text and "gamma" not in answer.text


@pytest.mark.feature("content: log probabilities")
def test_logprobs():
    [candidate] = ask(CAPITAL, response_logprobs=True, logprobs=3).candidates
    chosen = candidate.logprobs_result.chosen_candidates
    assert "".join(token.token for token in chosen) == CAPITAL_ANSWER
    assert all(token.log_probability <= 0 for token in chosen) and candidate.avg_logprobs < 0
    assert all(len(top.candidates) == 3 for top in candidate.logprobs_result.top_candidates)


@pytest.mark.feature("content: images")
def test_images():
    image = types.Part.from_bytes(data=gateway.fixture("images/pixel.png"), mime_type="image/png")
    answer = ask([image, "Describe this image"])
    assert "1x1 pixels, mostly red" in answer.text


@pytest.mark.feature("content: files")
def test_files():
    file = types.Part.from_bytes(data=gateway.fixture("files/minimal.pdf"), mime_type="application/pdf")
    answer = ask([file, "Zebra"])
    assert "1 page" in answer.text and answer.text.endswith('You said: "Zebra".')


@pytest.mark.feature("content: thinking")
def test_thinking():
    config = {"thinking_config": types.ThinkingConfig(include_thoughts=True, thinking_budget=1_024)}
    answer = ask(CAPITAL, **config)
    thought, text = answer.candidates[0].content.parts
    assert thought.thought and CAPITAL in thought.text and not text.thought
    assert answer.text == CAPITAL_ANSWER and answer.usage_metadata.thoughts_token_count > 0
    parts = [part for chunk in stream(CAPITAL, **config) for part in chunk.candidates[0].content.parts or []]
    assert "".join(part.text for part in parts if part.thought) == thought.text
    assert "".join(part.text for part in parts if not part.thought) == CAPITAL_ANSWER
    without = ask(CAPITAL, thinking_config=types.ThinkingConfig(thinking_budget=0))
    assert without.usage_metadata.thoughts_token_count is None


@pytest.mark.feature("chats")
def test_chats():
    chat = client.chats.create(model=MODEL)
    assert chat.send_message("My name is Alex.").text == "Hello, Alex! It is nice to meet you."
    assert chat.send_message("What is my name?").text == "Your name is Alex."
    texts = [chunk.text or "" for chunk in chat.send_message_stream(CAPITAL)]
    assert "".join(texts) == CAPITAL_ANSWER
    assert [content.role for content in chat.get_history(curated=True)][:4] == ["user", "model"] * 2


@pytest.mark.feature("functions")
def test_functions():
    answer = ask(WEATHER, tools=[TOOL])
    assert calls_of(answer) == [("get_weather", IN_PARIS)]
    result = types.Part.from_function_response(name="get_weather", response={"result": "18 degrees and sunny"})
    turns = [
        types.UserContent(WEATHER),
        answer.candidates[0].content,
        types.Content(role="user", parts=[result]),
    ]
    assert "18 degrees and sunny" in ask(turns, tools=[TOOL]).text


@pytest.mark.feature("functions, parallel and streamed")
def test_parallel_functions():
    expected = [("get_weather", IN_PARIS), ("get_weather", IN_LONDON)]
    assert calls_of(ask(WEATHER_TWICE, tools=[TOOL])) == expected
    streamed = [call for chunk in stream(WEATHER_TWICE, tools=[TOOL]) for call in calls_of(chunk)]
    assert streamed == expected


@pytest.mark.feature("functions: which are called")
@pytest.mark.parametrize(
    ("contents", "config", "called"),
    [
        (WEATHER, {"mode": "AUTO"}, ["get_weather"]),
        (WEATHER, {"mode": "NONE"}, []),
        ("Hello", {"mode": "AUTO"}, []),
        ("Hello", {"mode": "ANY"}, ["get_weather"]),
        ("Hello", {"mode": "ANY", "allowed_function_names": ["list_timezones"]}, ["list_timezones"]),
    ],
)
def test_function_modes(contents, config, called):
    use = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(**config))
    assert [name for name, _ in calls_of(ask(contents, tools=[TOOL], tool_config=use))] == called


@pytest.mark.feature("functions called by the client")
def test_automatic_functions():
    cities = []

    def get_weather(city: str) -> str:
        """Tells the weather of a city."""
        cities.append(city)
        return f"sun in {city}"

    chat = client.chats.create(model=MODEL, config=types.GenerateContentConfig(tools=[get_weather]))
    answer = chat.send_message(WEATHER)
    assert cities == ["Paris"] and "sun in Paris" in answer.text
    assert [content.role for content in chat.get_history()] == ["user", "model", "user", "model"]


@pytest.mark.feature("structured output")
def test_structured():
    as_json = {"response_mime_type": "application/json"}
    answer = ask(PERSON, response_schema=Person, **as_json)
    assert answer.parsed == Person(name="Ada", age=36)
    people = ask(PERSON, response_schema=list[Person], **as_json).parsed
    assert isinstance(people, list) and all(isinstance(person, Person) for person in people)
    schema = Person.model_json_schema()
    assert json.loads(ask(PERSON, response_json_schema=schema, **as_json).text) == {"name": "Ada", "age": 36}
    joined = "".join(chunk.text or "" for chunk in stream(PERSON, response_schema=Person, **as_json))
    assert json.loads(joined) == {"name": "Ada", "age": 36}
    assert json.loads(ask(CAPITAL, **as_json).text) == {"answer": CAPITAL_ANSWER}


@pytest.mark.feature("token counts")
def test_count_tokens():
    counted = client.models.count_tokens(model=MODEL, contents=CAPITAL).total_tokens
    assert counted == ask(CAPITAL).usage_metadata.prompt_token_count
    assert client.models.count_tokens(model=MODEL, contents=CAPITAL * 3).total_tokens > counted


@pytest.mark.feature("embeddings")
def test_embeddings():
    both = client.models.embed_content(model=EMBEDDER, contents=["hello", "goodbye"]).embeddings
    one = client.models.embed_content(model=EMBEDDER, contents="hello").embeddings
    assert [len(embedding.values) for embedding in both] == [3072, 3072]
    assert both[0].values == one[0].values != both[1].values
    short = types.EmbedContentConfig(output_dimensionality=768, task_type="RETRIEVAL_QUERY")
    [embedding] = client.models.embed_content(model=EMBEDDER, contents="hello", config=short).embeddings
    assert len(embedding.values) == 768


@pytest.mark.feature("models")
def test_models():
    # A page of one, so that the client goes on from page to page.
    models = {model.name: model for model in client.models.list(config={"page_size": 1})}
    assert {f"models/{MODEL}", "models/gemini-2.5-flash-lite", f"models/{EMBEDDER}"} <= set(models)
    model = client.models.get(model=MODEL)
    assert model == models[f"models/{MODEL}"] and "generateContent" in model.supported_actions
    assert model.input_token_limit == 1_048_576


@pytest.mark.feature("asynchronous client")
def test_async():
    async def work():
        async with connect().aio as client:
            questions = [f"Zebra {number}" for number in range(20)]
            asked = [client.models.generate_content(model=MODEL, contents=text) for text in questions]
            for question, answer in zip(questions, await asyncio.gather(*asked), strict=True):
                assert answer.text.endswith(f'You said: "{question}".')
            chunks = await client.models.generate_content_stream(model=MODEL, contents=STORY)
            assert "".join([chunk.text or "" async for chunk in chunks]) == ask(STORY).text
            chat = client.chats.create(model=MODEL)
            await chat.send_message("My name is Alex.")
            assert (await chat.send_message("What is my name?")).text == "Your name is Alex."
            counted = await client.models.count_tokens(model=MODEL, contents=CAPITAL)
            assert counted.total_tokens > 0
            embedded = await client.models.embed_content(model=EMBEDDER, contents="hello")
            assert len(embedded.embeddings[0].values) == 3072
            assert f"models/{MODEL}" in [model.name async for model in await client.models.list()]

    asyncio.run(work())
