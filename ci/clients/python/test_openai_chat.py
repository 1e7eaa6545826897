"""`openai`: chat completions, whole and streamed."""

import json
from typing import Literal

import openai
import pytest
from pydantic import BaseModel

import gateway
from gateway import CAPITAL, CAPITAL_ANSWER, GREEK, ODD, PERSON, STORY, WEATHER, WEATHER_TWICE

MODEL = "gpt-4.1-mini"
THINKER = "o4-mini"
HEARER = "gpt-4o-audio-preview"

client = openai.OpenAI(base_url=gateway.URL + "/v1", api_key=gateway.ALL_SCOPES)


class Person(BaseModel):
    name: str
    age: int


class GetWeather(BaseModel):
    city: str
    unit: Literal["celsius", "fahrenheit"]


TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
OTHER_TOOL = {
    "type": "function",
    "function": {"name": "list_timezones", "parameters": {"type": "object", "properties": {}}},
}
IN_PARIS = {"city": "Paris", "unit": "celsius"}
IN_LONDON = {"city": "London", "unit": "celsius"}


def user(content):
    return [{"role": "user", "content": content}]


def ask(content, **members):
    return client.chat.completions.create(**{"model": MODEL, "messages": user(content), **members})


def arguments(message):
    return [json.loads(call.function.arguments) for call in message.tool_calls or []]


@pytest.mark.feature("chat: whole answers")
def test_whole():
    answer = ask(CAPITAL)
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
    assert answer.model == MODEL and answer.created > 0
    [choice] = answer.choices
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert choice.message.content == CAPITAL_ANSWER
    assert choice.message.refusal is None and choice.message.tool_calls is None
    usage = answer.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.completion_tokens_details.reasoning_tokens == 0
    assert ask(CAPITAL).id != answer.id


@pytest.mark.feature("chat: conversations")
def test_conversations():
    messages = [
        {"role": "developer", "content": "You end every sentence with 'meow'."},
        {"role": "user", "content": [{"type": "text", "text": "My name is Alex."}], "name": "alex"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "What is my name?"},
    ]
    answer = ask(None, messages=messages).choices[0].message
    assert answer.content == "Your name is Alex, meow."
    # What was answered is sent back as it is.
    messages += [answer, {"role": "user", "content": CAPITAL}]
    assert ask(None, messages=messages).choices[0].message.content == "The capital of France is Paris, meow."


@pytest.mark.feature("chat: unicode")
def test_unicode():
    assert ask(ODD).choices[0].message.content.endswith(f'You said: "{ODD}".')
    chunks = ask(ODD, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text.endswith(f'You said: "{ODD}".')


@pytest.mark.feature("chat: streams")
def test_streamed():
    whole = ask(STORY)
    chunks = list(ask(STORY, stream=True, stream_options={"include_usage": True}))
    assert len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks}) == 1
    assert chunks[0].object == "chat.completion.chunk" and chunks[0].choices[0].delta.role == "assistant"
    *parts, last = chunks
    assert last.choices == [] and last.usage == whole.usage
    assert all(chunk.usage is None for chunk in parts)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in parts) == whole.choices[0].message.content
    reasons = [chunk.choices[0].finish_reason for chunk in parts]
    assert reasons[-1] == "stop" and set(reasons[:-1]) == {None}
    assert len(parts) > 20


@pytest.mark.feature("chat: streams")
def test_streamed_without_usage():
    chunks = list(ask(CAPITAL, stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


@pytest.mark.feature("chat: streams")
def test_a_stream_that_is_left_early():
    with ask(STORY, stream=True) as stream:
        assert next(iter(stream)).choices[0].delta.role == "assistant"
    assert ask(CAPITAL).choices[0].message.content == CAPITAL_ANSWER


@pytest.mark.feature("chat: streaming helper")
def test_streaming_helper():
    with client.chat.completions.stream(
        model=MODEL, messages=user(STORY), stream_options={"include_usage": True}
    ) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    deltas = [event.delta for event in events if event.type == "content.delta"]
    [done] = [event for event in events if event.type == "content.done"]
    whole = ask(STORY)
    assert "".join(deltas) == done.content == final.choices[0].message.content == whole.choices[0].message.content
    assert final.choices[0].finish_reason == "stop" and final.usage == whole.usage


@pytest.mark.feature("chat: structured output")
def test_structured():
    answer = client.chat.completions.parse(model=MODEL, messages=user(PERSON), response_format=Person)
    assert answer.choices[0].message.parsed == Person(name="Ada", age=36)
    assert json.loads(answer.choices[0].message.content) == {"name": "Ada", "age": 36}


@pytest.mark.feature("chat: structured output")
def test_structured_of_a_nested_form():
    class Team(BaseModel):
        lead: Person
        members: list[Person]
        motto: str | None

    answer = client.chat.completions.parse(model=MODEL, messages=user(PERSON), response_format=Team)
    assert isinstance(answer.choices[0].message.parsed, Team)
    assert answer.choices[0].message.parsed.lead.name == "Ada"


@pytest.mark.feature("chat: structured output")
def test_structured_and_cut():
    with pytest.raises(openai.LengthFinishReasonError) as raised:
        client.chat.completions.parse(model=MODEL, messages=user(PERSON), response_format=Person, max_tokens=2)
    assert raised.value.completion.usage.completion_tokens == 2


@pytest.mark.feature("chat: structured output, streamed")
def test_structured_stream():
    with client.chat.completions.stream(model=MODEL, messages=user(PERSON), response_format=Person) as stream:
        parsed = [event.parsed for event in stream if event.type == "content.done"]
        final = stream.get_final_completion()
    assert parsed == [Person(name="Ada", age=36)]
    assert final.choices[0].message.parsed == Person(name="Ada", age=36)


@pytest.mark.feature("chat: JSON objects")
def test_json_object():
    answer = ask(f"In JSON: {CAPITAL}", response_format={"type": "json_object"})
    assert json.loads(answer.choices[0].message.content) == {"answer": CAPITAL_ANSWER}


@pytest.mark.feature("chat: tools")
def test_tools():
    answer = ask(WEATHER, tools=[TOOL])
    [choice] = answer.choices
    [call] = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    assert (call.type, call.function.name) == ("function", "get_weather") and call.id
    assert json.loads(call.function.arguments) == IN_PARIS
    result = {"role": "tool", "tool_call_id": call.id, "content": "18 degrees and sunny"}
    told = ask(None, messages=[*user(WEATHER), choice.message, result], tools=[TOOL]).choices[0]
    assert told.finish_reason == "stop"
    assert told.message.content == "The tool get_weather answered: 18 degrees and sunny."


@pytest.mark.feature("chat: tools")
def test_no_tool_is_meant():
    answer = ask(CAPITAL, tools=[TOOL]).choices[0]
    assert (answer.finish_reason, answer.message.content) == ("stop", CAPITAL_ANSWER)


@pytest.mark.feature("chat: parallel tool calls")
def test_parallel_tools():
    message = ask(WEATHER_TWICE, tools=[TOOL]).choices[0].message
    assert arguments(message) == [IN_PARIS, IN_LONDON]
    first, second = message.tool_calls
    assert first.id != second.id
    results = [
        {"role": "tool", "tool_call_id": second.id, "content": "rain"},
        {"role": "tool", "tool_call_id": first.id, "content": "sun"},
    ]
    told = ask(None, messages=[*user(WEATHER_TWICE), message, *results], tools=[TOOL]).choices[0].message.content
    assert "answered: rain." in told and "answered: sun." in told
    alone = ask(WEATHER_TWICE, tools=[TOOL], parallel_tool_calls=False).choices[0].message
    assert arguments(alone) == [IN_PARIS]


@pytest.mark.feature("chat: tool choice")
@pytest.mark.parametrize(
    ("content", "choice", "called"),
    [
        (WEATHER, "auto", ["get_weather"]),
        (WEATHER, "none", []),
        ("Hello", "auto", []),
        ("Hello", "required", ["get_weather"]),
        ("Hello", {"type": "function", "function": {"name": "list_timezones"}}, ["list_timezones"]),
    ],
)
def test_tool_choice(content, choice, called):
    message = ask(content, tools=[TOOL, OTHER_TOOL], tool_choice=choice).choices[0].message
    assert [call.function.name for call in message.tool_calls or []] == called
    assert (message.content is None) == bool(called)


@pytest.mark.feature("chat: tool calls, streamed")
def test_streamed_tools():
    chunks = list(ask(WEATHER_TWICE, tools=[TOOL], stream=True))
    joined, ids = {}, {}
    for call in (call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []):
        joined[call.index] = joined.get(call.index, "") + (call.function.arguments or "")
        if call.id is not None:
            assert call.index not in ids and call.function.name == "get_weather" and call.type == "function"
            ids[call.index] = call.id
    assert [json.loads(text) for text in joined.values()] == [IN_PARIS, IN_LONDON]
    assert list(joined) == list(ids) == [0, 1] and ids[0] != ids[1]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


@pytest.mark.feature("chat: tool calls with the streaming helper")
def test_streaming_helper_with_tools():
    tool = openai.pydantic_function_tool(GetWeather, name="get_weather")
    with client.chat.completions.stream(model=MODEL, messages=user(WEATHER_TWICE), tools=[tool]) as stream:
        events = list(stream)
        final = stream.get_final_completion().choices[0]
    done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert [(event.index, event.name, event.parsed_arguments) for event in done] == [
        (0, "get_weather", GetWeather(**IN_PARIS)),
        (1, "get_weather", GetWeather(**IN_LONDON)),
    ]
    deltas = [event for event in events if event.type == "tool_calls.function.arguments.delta"]
    assert "".join(event.arguments_delta for event in deltas if event.index == 1) == done[1].arguments
    assert final.finish_reason == "tool_calls"
    assert [call.function.parsed_arguments.city for call in final.message.tool_calls] == ["Paris", "London"]


@pytest.mark.feature("chat: parsed tool arguments")
def test_parsed_tools():
    tool = openai.pydantic_function_tool(GetWeather, name="get_weather")
    answer = client.chat.completions.parse(model=MODEL, messages=user(WEATHER), tools=[tool])
    [call] = answer.choices[0].message.tool_calls
    assert call.function.parsed_arguments == GetWeather(**IN_PARIS)


@pytest.mark.feature("chat: log probabilities")
def test_logprobs():
    choice = ask(CAPITAL, logprobs=True, top_logprobs=3).choices[0]
    tokens = choice.logprobs.content
    assert "".join(token.token for token in tokens) == choice.message.content
    for token in tokens:
        assert token.logprob <= 0 and bytes(token.bytes).decode() == token.token
        assert len(token.top_logprobs) == 3 and token.top_logprobs[0].token == token.token
    with client.chat.completions.stream(model=MODEL, messages=user(CAPITAL), logprobs=True, top_logprobs=3) as stream:
        streamed = stream.get_final_completion().choices[0].logprobs.content
    assert streamed == tokens
    assert ask(CAPITAL).choices[0].logprobs is None


@pytest.mark.feature("chat: several answers")
def test_several_answers():
    answer = ask(CAPITAL, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    texts = [choice.message.content for choice in answer.choices]
    assert texts == [CAPITAL_ANSWER, f"{CAPITAL_ANSWER} (choice 2)", f"{CAPITAL_ANSWER} (choice 3)"]
    joined, reasons = {}, {}
    for choice in (choice for chunk in ask(CAPITAL, n=3, stream=True) for choice in chunk.choices):
        joined[choice.index] = joined.get(choice.index, "") + (choice.delta.content or "")
        reasons[choice.index] = choice.finish_reason
    assert [joined[index] for index in range(3)] == texts
    assert reasons == {0: "stop", 1: "stop", 2: "stop"}
    with client.chat.completions.stream(model=MODEL, messages=user(CAPITAL), n=3) as stream:
        final = stream.get_final_completion()
    assert [choice.message.content for choice in final.choices] == texts


@pytest.mark.feature("chat: sampling parameters")
def test_sampling():
    sampling = {
        "seed": 7,
        "temperature": 2,
        "top_p": 0.5,
        "presence_penalty": -2,
        "frequency_penalty": 2,
        "logit_bias": {"50256": -100},
        "user": "alex",
        "metadata": {"suite": "clients"},
        "store": False,
        "service_tier": "auto",
    }
    first, second = ask(STORY, **sampling), ask(STORY, **sampling)
    assert first.choices[0].message.content == second.choices[0].message.content != ""
    assert first.system_fingerprint == second.system_fingerprint and first.system_fingerprint.startswith("fp_")


@pytest.mark.feature("chat: stop texts")
@pytest.mark.parametrize("stop", ["gamma", ["nowhere", "gamma"]])
def test_stop(stop):
    choice = ask(GREEK, stop=stop).choices[0]
    assert choice.finish_reason == "stop"
    assert "alpha beta" in choice.message.content and "gamma" not in choice.message.content
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in ask(GREEK, stop=stop, stream=True))
    assert streamed == choice.message.content


@pytest.mark.feature("chat: token limits")
@pytest.mark.parametrize("member", ["max_tokens", "max_completion_tokens"])
def test_token_limits(member):
    answer = ask(STORY, **{member: 5})
    assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 5
    assert ask(STORY).choices[0].message.content.startswith(answer.choices[0].message.content)
    last = [chunk.choices[0] for chunk in ask(STORY, stream=True, **{member: 5})][-1]
    assert last.finish_reason == "length"


@pytest.mark.feature("chat: images")
def test_images():
    image = {"url": gateway.data_uri("image/png", "images/pixel.png"), "detail": "low"}
    parts = [{"type": "text", "text": "Describe this image"}, {"type": "image_url", "image_url": image}]
    answer = ask(parts)
    text = answer.choices[0].message.content
    assert "1x1 pixels, mostly red" in text and "low detail" in text
    assert answer.usage.prompt_tokens > ask("Describe this image").usage.prompt_tokens + 80


@pytest.mark.feature("chat: sounds")
def test_sounds():
    sound = {"data": gateway.base64.b64encode(gateway.silence(1_500)).decode(), "format": "wav"}
    parts = [{"type": "text", "text": "Zebra"}, {"type": "input_audio", "input_audio": sound}]
    text = ask(parts, model=HEARER).choices[0].message.content
    assert "I was given 1 sound: 1.5 seconds." in text and text.endswith('You said: "Zebra".')


@pytest.mark.feature("chat: files")
def test_files():
    file = {"filename": "minimal.pdf", "file_data": gateway.data_uri("application/pdf", "files/minimal.pdf")}
    text = ask([{"type": "text", "text": "Zebra"}, {"type": "file", "file": file}]).choices[0].message.content
    length = len(gateway.fixture("files/minimal.pdf"))
    assert f'I was given the file "minimal.pdf", 1 page, {length} bytes long.' in text


@pytest.mark.feature("chat: reasoning tokens")
def test_reasoning():
    answer = ask(CAPITAL, model=THINKER, reasoning_effort="low")
    reasoning = answer.usage.completion_tokens_details.reasoning_tokens
    assert 0 < reasoning < answer.usage.completion_tokens
    assert answer.choices[0].message.content == CAPITAL_ANSWER
