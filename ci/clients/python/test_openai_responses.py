"""`openai`: the Responses API."""

import json

import openai
import pytest

import gateway
from gateway import CAPITAL, CAPITAL_ANSWER, PERSON, STORY, WEATHER, WEATHER_TWICE
from test_openai_chat import IN_LONDON, IN_PARIS, MODEL, THINKER, GetWeather, Person

client = openai.OpenAI(base_url=gateway.URL + "/v1", api_key=gateway.ALL_SCOPES)

TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather of a city",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
}


def ask(content, **members):
    return client.responses.create(**{"model": MODEL, "input": content, **members})


@pytest.mark.feature("responses: whole answers")
def test_whole():
    answer = ask(CAPITAL, instructions="You end every sentence with 'meow'.", metadata={"suite": "clients"})
    assert answer.id.startswith("resp_") and (answer.object, answer.status, answer.model) == (
        "response",
        "completed",
        MODEL,
    )
    assert answer.output_text == "The capital of France is Paris, meow."
    [message] = answer.output
    assert (message.type, message.role, message.status) == ("message", "assistant", "completed")
    assert message.id.startswith("msg_") and message.content[0].annotations == []
    assert answer.error is None and answer.incomplete_details is None
    assert answer.metadata == {"suite": "clients"} and answer.instructions == "You end every sentence with 'meow'."
    assert (answer.tools, answer.tool_choice, answer.parallel_tool_calls) == ([], "auto", True)


@pytest.mark.feature("responses: whole answers")
def test_usage():
    usage = ask(CAPITAL).usage
    assert usage.input_tokens > 0 and usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert usage.input_tokens_details.cached_tokens == 0 and usage.input_tokens_details.cache_write_tokens == 0
    assert usage.output_tokens_details.reasoning_tokens == 0


@pytest.mark.feature("responses: token limits")
def test_token_limit():
    answer = ask(STORY, max_output_tokens=16)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert answer.usage.output_tokens == 16 and answer.output[0].status == "incomplete"


@pytest.mark.feature("responses: events")
def test_events():
    events = list(ask(CAPITAL, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    types = [event.type for event in events]
    deltas = types.count("response.output_text.delta")
    assert deltas > 3
    assert types == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * deltas,
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    text = [event for event in events if event.type.startswith("response.output_text")]
    *parts, done = text
    assert "".join(event.delta for event in parts) == done.text == CAPITAL_ANSWER
    assert {(event.item_id, event.output_index, event.content_index) for event in text} == {(done.item_id, 0, 0)}
    first, last = events[0].response, events[-1].response
    assert first.id == last.id and (first.status, last.status) == ("in_progress", "completed")
    assert first.output == [] and first.usage is None
    assert last.output_text == CAPITAL_ANSWER and last.output[0].id == done.item_id
    assert last.usage == ask(CAPITAL).usage


@pytest.mark.feature("responses: events")
def test_events_of_a_cut_answer():
    *_, last = ask(STORY, stream=True, max_output_tokens=16)
    assert last.type == "response.incomplete"
    assert (last.response.status, last.response.incomplete_details.reason) == ("incomplete", "max_output_tokens")


@pytest.mark.feature("responses: streaming helper")
def test_streaming_helper():
    with client.responses.stream(model=MODEL, input=STORY) as stream:
        events = list(stream)
        final = stream.get_final_response()
    deltas = [event for event in events if event.type == "response.output_text.delta"]
    assert (
        "".join(event.delta for event in deltas) == deltas[-1].snapshot == final.output_text == ask(STORY).output_text
    )
    assert final.status == "completed" and events[-1].type == "response.completed"


@pytest.mark.feature("responses: structured output")
def test_structured():
    answer = client.responses.parse(model=MODEL, input=PERSON, text_format=Person)
    assert answer.output_parsed == Person(name="Ada", age=36)
    with client.responses.stream(model=MODEL, input=PERSON, text_format=Person) as stream:
        [done] = [event for event in stream if event.type == "response.output_text.done"]
        final = stream.get_final_response()
    assert done.parsed == final.output_parsed == Person(name="Ada", age=36)


@pytest.mark.feature("responses: structured output")
def test_json_object():
    answer = ask(f"In JSON: {CAPITAL}", text={"format": {"type": "json_object"}})
    assert json.loads(answer.output_text) == {"answer": CAPITAL_ANSWER}


@pytest.mark.feature("responses: tools")
def test_tools():
    asked = [{"role": "user", "content": WEATHER_TWICE}]
    answer = ask(asked, tools=[TOOL])
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [json.loads(call.arguments) for call in calls] == [IN_PARIS, IN_LONDON]
    assert {call.name for call in calls} == {"get_weather"} and len({call.call_id for call in calls}) == 2
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": output}
        for call, output in zip(calls, ["sun", "rain"], strict=True)
    ]
    told = ask([*asked, *answer.output, *results], tools=[TOOL])
    assert told.output_text == "The tool get_weather answered: sun. The tool get_weather answered: rain."
    # The same, where the gateway keeps the first turn.
    assert ask(results, tools=[TOOL], previous_response_id=answer.id).output_text == told.output_text


@pytest.mark.feature("responses: tools")
def test_parsed_tools():
    tool = openai.pydantic_function_tool(GetWeather, name="get_weather")
    tool = {"type": "function", **tool["function"]}
    answer = client.responses.parse(model=MODEL, input=WEATHER, tools=[tool], tool_choice="required")
    assert [item.parsed_arguments for item in answer.output] == [IN_PARIS]
    result = {"type": "function_call_output", "call_id": answer.output[0].call_id, "output": "sun"}
    told = client.responses.parse(model=MODEL, input=[{"role": "user", "content": WEATHER}, *answer.output, result])
    assert told.output_text == "The tool get_weather answered: sun."


@pytest.mark.feature("responses: tool calls, streamed")
def test_streamed_tools():
    with client.responses.stream(
        model=MODEL, input="Hello", tools=[TOOL], tool_choice={"type": "function", "name": "get_weather"}
    ) as stream:
        events = list(stream)
        final = stream.get_final_response()
    deltas = [event for event in events if event.type == "response.function_call_arguments.delta"]
    [done] = [event for event in events if event.type == "response.function_call_arguments.done"]
    [call] = final.output
    assert "".join(event.delta for event in deltas) == deltas[-1].snapshot == done.arguments == call.arguments
    assert set(json.loads(call.arguments)) == {"city", "unit"} and call.id == done.item_id


@pytest.mark.feature("responses: reasoning")
def test_reasoning():
    answer = ask(CAPITAL, model=THINKER, reasoning={"effort": "low"})
    assert [item.type for item in answer.output] == ["reasoning", "message"]
    assert 0 < answer.usage.output_tokens_details.reasoning_tokens < answer.usage.output_tokens
    # Thoughts can be sent back with what was said.
    asked = [{"role": "user", "content": "My name is Alex."}]
    first = ask(asked, model=THINKER)
    then = ask([*asked, *first.output, {"role": "user", "content": "What is my name?"}], model=THINKER)
    assert then.output_text == "Your name is Alex."


@pytest.mark.feature("responses: images and files")
def test_images_and_files():
    parts = [
        {"type": "input_text", "text": "Describe this image"},
        {"type": "input_image", "image_url": gateway.data_uri("image/png", "images/pixel.png"), "detail": "low"},
    ]
    assert "mostly red" in ask([{"role": "user", "content": parts}]).output_text
    data = gateway.data_uri("application/pdf", "files/minimal.pdf")
    parts = [
        {"type": "input_text", "text": "Zebra"},
        {"type": "input_file", "filename": "minimal.pdf", "file_data": data},
    ]
    assert 'the file "minimal.pdf", 1 page' in ask([{"role": "user", "content": parts}]).output_text


@pytest.mark.feature("responses: kept and continued")
def test_kept():
    first = ask("My name is Alex.")
    second = ask("What is my name?", previous_response_id=first.id)
    assert second.output_text == "Your name is Alex." and second.previous_response_id == first.id
    found = client.responses.retrieve(second.id)
    assert found.to_dict() == second.to_dict()
    client.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(second.id)
    with pytest.raises(openai.BadRequestError) as raised:
        ask("What is my name?", previous_response_id=second.id)
    assert (raised.value.param, raised.value.code) == ("previous_response_id", "previous_response_not_found")


@pytest.mark.feature("responses: kept and continued")
def test_not_kept():
    answer = ask(CAPITAL, store=False)
    assert answer.store is False
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(answer.id)


@pytest.mark.feature("responses: kept and continued")
def test_a_stream_is_kept():
    *_, last = ask(CAPITAL, stream=True)
    assert client.responses.retrieve(last.response.id).output_text == CAPITAL_ANSWER


@pytest.mark.feature("responses: input items")
def test_input_items():
    texts = ["One", "Two", "Three"]
    answer = ask([{"role": "user", "content": text} for text in texts])
    # A page of one, so that the client goes on from page to page.
    items = list(client.responses.input_items.list(answer.id, limit=1, order="asc"))
    assert [item.content[0].text for item in items] == texts
    assert len({item.id for item in items}) == 3 and {item.role for item in items} == {"user"}
    latest_first = client.responses.input_items.list(answer.id)
    assert [item.content[0].text for item in latest_first] == texts[::-1]
