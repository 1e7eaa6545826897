"""`anthropic`: streams, and the asynchronous client."""

import asyncio

import anthropic
import pytest

import gateway
from gateway import CAPITAL, CAPITAL_ANSWER, GREEK, PERSON, STORY, WEATHER, WEATHER_TWICE
from test_anthropic_messages import (
    IN_LONDON,
    IN_PARIS,
    MODEL,
    TOOL,
    Person,
    ask,
    asked,
    calls_of,
    client,
    text_of,
)


@pytest.mark.feature("messages: events")
def test_events():
    events = list(ask(CAPITAL, stream=True))
    types = [event.type for event in events]
    deltas = types.count("content_block_delta")
    assert deltas > 3
    assert types == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * deltas,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    start = events[0].message
    assert start.id.startswith("msg_") and (start.role, start.model, start.content) == ("assistant", MODEL, [])
    assert start.stop_reason is None and start.stop_sequence is None
    texts = [event.delta.text for event in events if event.type == "content_block_delta"]
    assert "".join(texts) == CAPITAL_ANSWER
    end, whole = events[-2], ask(CAPITAL)
    assert (end.delta.stop_reason, end.delta.stop_sequence) == ("end_turn", None)
    assert (start.usage.input_tokens, end.usage.output_tokens) == (whole.usage.input_tokens, whole.usage.output_tokens)


@pytest.mark.feature("messages: streaming helper")
def test_text_stream():
    with client.messages.stream(**asked(STORY)) as stream:
        assert stream.request_id.startswith("req_")
        texts = list(stream.text_stream)
        final = stream.get_final_message()
    whole = ask(STORY)
    assert len(texts) > 20 and "".join(texts) == text_of(final) == text_of(whole)
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", whole.usage.output_tokens)
    with client.messages.stream(**asked(STORY)) as stream:
        assert stream.get_final_text() == text_of(whole)


@pytest.mark.feature("messages: streaming helper")
def test_helper_events():
    with client.messages.stream(**asked(CAPITAL)) as stream:
        events = list(stream)
    texts = [event for event in events if event.type == "text"]
    assert "".join(event.text for event in texts) == texts[-1].snapshot == CAPITAL_ANSWER
    [stop] = [event for event in events if event.type == "content_block_stop"]
    assert stop.content_block.text == CAPITAL_ANSWER and events[-1].type == "message_stop"
    assert text_of(events[-1].message) == CAPITAL_ANSWER


@pytest.mark.feature("messages: streaming helper")
@pytest.mark.parametrize(
    ("content", "members", "reason", "sequence"),
    [(STORY, {"max_tokens": 5}, "max_tokens", None), (GREEK, {"stop_sequences": ["gamma"]}, "stop_sequence", "gamma")],
)
def test_how_a_stream_ends(content, members, reason, sequence):
    with client.messages.stream(**asked(content, **members)) as stream:
        final = stream.get_final_message()
    assert (final.stop_reason, final.stop_sequence) == (reason, sequence)
    assert text_of(final) == text_of(ask(content, **members))


@pytest.mark.feature("messages: streaming helper")
def test_a_stream_that_is_left_early():
    with client.messages.stream(**asked(STORY)) as stream:
        assert next(iter(stream.text_stream))
    assert text_of(ask(CAPITAL)) == CAPITAL_ANSWER


@pytest.mark.feature("messages: tool calls, streamed")
def test_streamed_tools():
    with client.messages.stream(**asked(WEATHER_TWICE, tools=[TOOL])) as stream:
        events = list(stream)
        final = stream.get_final_message()
    assert final.stop_reason == "tool_use" and [call.input for call in calls_of(final)] == [IN_PARIS, IN_LONDON]
    assert len({call.id for call in calls_of(final)}) == 2
    starts = [event for event in events if event.type == "content_block_start"]
    assert [event.index for event in starts] == [0, 1] and all(event.content_block.input == {} for event in starts)
    snapshots = [event.snapshot for event in events if event.type == "input_json"]
    assert IN_PARIS in snapshots and snapshots[-1] == IN_LONDON


@pytest.mark.feature("messages: thinking, streamed")
def test_streamed_thinking():
    thinking = {"type": "enabled", "budget_tokens": 1_024}
    with client.messages.stream(**asked(CAPITAL, thinking=thinking, max_tokens=2_048)) as stream:
        events = list(stream)
        final = stream.get_final_message()
    thoughts = [event.thinking for event in events if event.type == "thinking"]
    signatures = [event.signature for event in events if event.type == "signature"]
    thought, text = final.content
    assert "".join(thoughts) == thought.thinking and CAPITAL in thought.thinking
    assert signatures == [thought.signature] and thought.signature
    assert text.text == CAPITAL_ANSWER
    [whole, _] = ask(CAPITAL, thinking=thinking, max_tokens=2_048).content
    assert whole.thinking == thought.thinking


def run(work):
    """Has an asynchronous client work, and closes it."""

    async def worked():
        async with anthropic.AsyncAnthropic(base_url=gateway.URL, api_key=gateway.ALL_SCOPES) as client:
            return await work(client)

    return asyncio.run(worked())


@pytest.mark.feature("asynchronous client: messages")
def test_async_messages():
    async def work(client):
        questions = [f"Zebra {number}" for number in range(20)]
        answers = await asyncio.gather(*(client.messages.create(**asked(text)) for text in questions))
        for question, answer in zip(questions, answers, strict=True):
            assert text_of(answer).endswith(f'You said: "{question}".')
        tools = await client.messages.create(**asked(WEATHER, tools=[TOOL]))
        assert [call.input for call in calls_of(tools)] == [IN_PARIS]
        parsed = await client.messages.parse(**asked(PERSON, output_format=Person))
        assert parsed.parsed_output == Person(name="Ada", age=36)

    run(work)


@pytest.mark.feature("asynchronous client: streams")
def test_async_streams():
    async def work(client):
        async with client.messages.stream(**asked(STORY)) as stream:
            texts = [text async for text in stream.text_stream]
            final = await stream.get_final_message()
        assert "".join(texts) == text_of(final) == text_of(await client.messages.create(**asked(STORY)))
        events = await client.messages.create(**asked(CAPITAL, stream=True))
        types = [event.type async for event in events]
        assert (types[0], types[-1]) == ("message_start", "message_stop")

    run(work)


@pytest.mark.feature("asynchronous client: token counts and models")
def test_async_others():
    async def work(client):
        models = [model.id async for model in client.models.list(limit=1)]
        assert {"claude-sonnet-4-5", "claude-haiku-4-5"} <= set(models)
        counted = await client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": CAPITAL}])
        assert counted.input_tokens == (await client.messages.create(**asked(CAPITAL))).usage.input_tokens

    run(work)
