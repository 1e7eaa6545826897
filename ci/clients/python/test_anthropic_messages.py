"""`anthropic`: messages, whole."""

import anthropic
import pytest
from anthropic import beta_tool
from pydantic import BaseModel

import gateway
from gateway import CAPITAL, CAPITAL_ANSWER, GREEK, ODD, PERSON, STORY, WEATHER, WEATHER_TWICE

MODEL = "claude-haiku-4-5"

client = anthropic.Anthropic(base_url=gateway.URL, api_key=gateway.ALL_SCOPES)

TOOL = {
    "name": "get_weather",
    "description": "Tells the weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
}
OTHER_TOOL = {"name": "list_timezones", "input_schema": {"type": "object", "properties": {}}}
IN_PARIS = {"city": "Paris", "unit": "celsius"}
IN_LONDON = {"city": "London", "unit": "celsius"}


class Person(BaseModel):
    name: str
    age: int


def user(content):
    return [{"role": "user", "content": content}]


def asked(content, **members):
    return {"model": MODEL, "max_tokens": 1_024, "messages": user(content), **members}


def ask(content, **members):
    return client.messages.create(**asked(content, **members))


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def calls_of(message):
    return [block for block in message.content if block.type == "tool_use"]


@pytest.mark.feature("messages: whole answers")
def test_whole():
    answer = ask(CAPITAL)
    assert answer.id.startswith("msg_") and (answer.type, answer.role, answer.model) == ("message", "assistant", MODEL)
    [block] = answer.content
    assert (block.type, block.text) == ("text", CAPITAL_ANSWER)
    assert (answer.stop_reason, answer.stop_sequence) == ("end_turn", None)
    usage = answer.usage
    assert usage.input_tokens > 0 and usage.output_tokens > 0
    assert (usage.cache_creation_input_tokens, usage.cache_read_input_tokens) == (0, 0)
    assert ask(CAPITAL).id != answer.id


@pytest.mark.feature("messages: conversations")
def test_conversations():
    answer = ask("My name is Alex.", metadata={"user_id": "alex"}, service_tier="auto")
    messages = [
        *user("My name is Alex."),
        {"role": "assistant", "content": answer.content},
        *user([{"type": "text", "text": "What is my name?"}]),
    ]
    told = ask(None, messages=messages, system="You end every sentence with 'meow'.")
    assert text_of(told) == "Your name is Alex, meow."
    system = [{"type": "text", "text": "You end every sentence with 'meow'."}]
    assert text_of(ask(None, messages=messages, system=system)) == "Your name is Alex, meow."


@pytest.mark.feature("messages: unicode")
def test_unicode():
    assert text_of(ask(ODD)).endswith(f'You said: "{ODD}".')
    with client.messages.stream(**asked(ODD)) as stream:
        assert "".join(stream.text_stream).endswith(f'You said: "{ODD}".')


@pytest.mark.feature("messages: token limits")
def test_token_limit():
    answer = ask(STORY, max_tokens=5)
    assert answer.stop_reason == "max_tokens" and answer.usage.output_tokens == 5
    assert text_of(ask(STORY)).startswith(text_of(answer)) and text_of(answer)


@pytest.mark.feature("messages: stop sequences")
def test_stop_sequences():
    answer = ask(GREEK, stop_sequences=["nowhere", "gamma"])
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "gamma")
    assert "alpha beta" in text_of(answer) and "gamma" not in text_of(answer)


@pytest.mark.feature("messages: images")
def test_images():
    source = {"type": "base64", "media_type": "image/png", "data": gateway.fixture_base64("images/pixel.png")}
    answer = ask([{"type": "image", "source": source}, {"type": "text", "text": "Describe this image"}])
    assert "1x1 pixels, mostly red" in text_of(answer)


@pytest.mark.feature("messages: documents")
def test_documents():
    source = {"type": "base64", "media_type": "application/pdf", "data": gateway.fixture_base64("files/minimal.pdf")}
    document = {"type": "document", "source": source, "title": "minimal.pdf"}
    answer = ask([document, {"type": "text", "text": "Zebra"}])
    assert "1 page" in text_of(answer) and "Zebra" in text_of(answer)
    assert answer.usage.input_tokens > ask("Zebra").usage.input_tokens + 200
    plain = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Giraffe"}}
    assert "Giraffe" in text_of(ask([plain, {"type": "text", "text": "Zebra"}]))


@pytest.mark.feature("messages: tools")
def test_tools():
    answer = ask(WEATHER, tools=[TOOL])
    [call] = calls_of(answer)
    assert answer.stop_reason == "tool_use" and call.id
    assert (call.name, call.input) == ("get_weather", IN_PARIS)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "18 degrees"}]}
    messages = [*user(WEATHER), {"role": "assistant", "content": answer.content}, *user([result])]
    told = ask(None, messages=messages, tools=[TOOL])
    assert (told.stop_reason, text_of(told)) == ("end_turn", "The tool get_weather answered: 18 degrees.")
    messages[-1]["content"] = [{**result, "content": "no such city", "is_error": True}]
    assert text_of(ask(None, messages=messages, tools=[TOOL])) == "The tool get_weather failed: no such city."


@pytest.mark.feature("messages: parallel tool calls")
def test_parallel_tools():
    first, second = calls_of(ask(WEATHER_TWICE, tools=[TOOL]))
    assert (first.input, second.input) == (IN_PARIS, IN_LONDON) and first.id != second.id
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    assert [call.input for call in calls_of(ask(WEATHER_TWICE, tools=[TOOL], tool_choice=choice))] == [IN_PARIS]


@pytest.mark.feature("messages: tool choice")
@pytest.mark.parametrize(
    ("content", "choice", "called"),
    [
        (WEATHER, {"type": "auto"}, ["get_weather"]),
        (WEATHER, {"type": "none"}, []),
        ("Hello", {"type": "auto"}, []),
        ("Hello", {"type": "any"}, ["get_weather"]),
        ("Hello", {"type": "tool", "name": "list_timezones"}, ["list_timezones"]),
    ],
)
def test_tool_choice(content, choice, called):
    answer = ask(content, tools=[TOOL, OTHER_TOOL], tool_choice=choice)
    assert [call.name for call in calls_of(answer)] == called
    assert (answer.stop_reason == "tool_use") == bool(called)


@pytest.mark.feature("messages: tool runner")
def test_tool_runner():
    cities = []

    @beta_tool
    def get_weather(city: str) -> str:
        """Tells the weather of a city.

        Args:
            city: where
        """
        cities.append(city)
        return f"sun in {city}"

    # The wire has no threads here: each turn sends the whole conversation.
    runner = client.beta.messages.tool_runner(**asked(WEATHER_TWICE, tools=[get_weather]), thread=False)
    turns = list(runner)
    assert [turn.stop_reason for turn in turns] == ["tool_use", "end_turn"] and cities == ["Paris", "London"]
    assert text_of(turns[-1]) == (
        "The tool get_weather answered: sun in Paris. The tool get_weather answered: sun in London."
    )


@pytest.mark.feature("messages: structured output")
def test_structured():
    answer = client.messages.parse(**asked(PERSON, output_format=Person))
    assert answer.parsed_output == Person(name="Ada", age=36)
    with client.messages.stream(**asked(PERSON, output_format=Person)) as stream:
        assert stream.get_final_message().parsed_output == Person(name="Ada", age=36)


@pytest.mark.feature("messages: thinking")
def test_thinking():
    thinking = {"type": "enabled", "budget_tokens": 1_024}
    answer = ask(CAPITAL, thinking=thinking, max_tokens=2_048)
    thought, text = answer.content
    assert thought.type == "thinking" and CAPITAL in thought.thinking and thought.signature
    assert text.text == CAPITAL_ANSWER
    plain = ask(CAPITAL, thinking={"type": "disabled"})
    assert [block.type for block in plain.content] == ["text"]
    assert answer.usage.output_tokens > plain.usage.output_tokens
    # Thoughts can be sent back with what was said.
    messages = [*user("My name is Alex."), {"role": "assistant", "content": answer.content}, *user("What is my name?")]
    told = ask(None, messages=messages, thinking=thinking, max_tokens=2_048)
    assert text_of(told) == "Your name is Alex."


@pytest.mark.feature("messages: prompt caching")
def test_caching(world):
    client = anthropic.Anthropic(base_url=world.url + "/~anthropic", api_key=world.keys["all_scopes"])
    system = [{"type": "text", "text": "Be kind. " * 2_000, "cache_control": {"type": "ephemeral"}}]
    first = client.messages.create(**asked("Say one", system=system)).usage
    second = client.messages.create(**asked("Say two", system=system)).usage
    assert first.cache_creation_input_tokens > 1_024 and first.cache_read_input_tokens == 0
    assert first.cache_creation.ephemeral_5m_input_tokens == first.cache_creation_input_tokens
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.cache_creation_input_tokens == 0 and 0 < second.input_tokens < 100


@pytest.mark.feature("messages: token counts")
def test_count_tokens():
    def count(**members):
        return client.messages.count_tokens(model=MODEL, messages=user(WEATHER), **members).input_tokens

    assert count() == ask(WEATHER).usage.input_tokens
    everything = {"system": "Be kind.", "tools": [TOOL]}
    assert count(**everything) == ask(WEATHER, **everything).usage.input_tokens > count(system="Be kind.") > count()


@pytest.mark.feature("models")
def test_models():
    # A page of one, so that the client goes on from page to page.
    models = list(client.models.list(limit=1))
    assert {"claude-sonnet-4-5", "claude-haiku-4-5"} <= {model.id for model in models}
    assert len({model.id for model in models}) == len(models)
    first = client.models.list(limit=1)
    assert first.has_more and first.first_id == first.last_id == models[0].id
    before = client.models.list(before_id=models[1].id)
    assert [model.id for model in before.data] == [models[0].id]
    for model in models:
        assert model.type == "model" and model.display_name and model.created_at.year >= 1970
        assert model.lifecycle in ("active", "deprecated")
        assert client.models.retrieve(model.id) == model


@pytest.mark.feature("raw responses and headers")
def test_headers():
    raw = client.messages.with_raw_response.create(**asked(CAPITAL))
    answer = raw.parse()
    assert raw.status_code == 200 and text_of(answer) == CAPITAL_ANSWER
    assert answer._request_id == raw.headers["request-id"] and raw.headers["request-id"].startswith("req_")
    for what in ["requests", "tokens"]:
        limit = int(raw.headers[f"anthropic-ratelimit-{what}-limit"])
        assert 0 <= int(raw.headers[f"anthropic-ratelimit-{what}-remaining"]) <= limit
        assert raw.headers[f"anthropic-ratelimit-{what}-reset"].endswith("Z")
    assert ask(CAPITAL)._request_id not in (None, answer._request_id)
