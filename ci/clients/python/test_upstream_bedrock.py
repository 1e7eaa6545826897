"""`boto3` at the simulated Bedrock: conversations, whole and in events, and embeddings."""

import json
import math
from itertools import islice

import boto3
import pytest
from botocore.config import Config

import gateway
import simulator
from gateway import CAPITAL, CAPITAL_ANSWER, GREEK, ODD, PERSON, STORY, WEATHER, WEATHER_TWICE

MODEL = "anthropic.claude-3-5-sonnet-20241022-v2:0"
THINKER = "anthropic.claude-3-7-sonnet-20250219-v1:0"
LLAMA = "meta.llama3-2-11b-instruct-v1:0"
COHERE = "cohere.embed-english-v3"
TITAN = "amazon.titan-embed-text-v2:0"

ONE_TRY = {"mode": "standard", "total_max_attempts": 1}


def connect(credentials=simulator.CREDENTIALS, session=None, **config):
    """A client; what is given under `session` stands in place of the fixture's."""
    bedrock = credentials["bedrock"]
    own = {
        "region_name": bedrock["region"],
        "aws_access_key_id": bedrock["access_key_id"],
        "aws_secret_access_key": bedrock["secret_access_key"],
    }
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=bedrock["base_url"],
        config=Config(**{"retries": ONE_TRY, **config}),
        **{**own, **(session or {})},
    )


client = connect()

TOOL = {
    "toolSpec": {
        "name": "get_weather",
        "description": "Tells the weather of a city",
        "inputSchema": {
            "json": {
                "type": "object",
                "properties": {
                    "city": {"type": "string"},
                    "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                },
                "required": ["city", "unit"],
            }
        },
    }
}
OTHER_TOOL = {"toolSpec": {"name": "list_timezones", "inputSchema": {"json": {"type": "object"}}}}
TOOLS = {"tools": [TOOL, OTHER_TOOL]}
IN_PARIS = {"city": "Paris", "unit": "celsius"}
IN_LONDON = {"city": "London", "unit": "celsius"}
THINKING = {
    "modelId": THINKER,
    "inferenceConfig": {"maxTokens": 4_096},
    "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1_024}},
}


def user(content):
    return [{"role": "user", "content": [{"text": content}] if isinstance(content, str) else content}]


def asked(content, **members):
    return {"modelId": MODEL, "messages": user(content), **members}


def ask(content, **members):
    return client.converse(**asked(content, **members))


def stream(content, **members):
    return list(client.converse_stream(**asked(content, **members))["stream"])


def content_of(answer):
    return answer["output"]["message"]["content"]


def text_of(answer):
    return "".join(block.get("text", "") for block in content_of(answer))


def calls_of(answer):
    return [block["toolUse"] for block in content_of(answer) if "toolUse" in block]


def of_kind(events, kind):
    return [event[kind] for event in events if kind in event]


def streamed_text(events):
    return "".join(delta["delta"].get("text", "") for delta in of_kind(events, "contentBlockDelta"))


def invoke(model, **body):
    """What a model answers to a body of its maker's, and the headers of the answer."""
    answer = client.invoke_model(modelId=model, body=json.dumps(body))
    assert answer["contentType"] == "application/json"
    return json.loads(answer["body"].read()), answer["ResponseMetadata"]["HTTPHeaders"]


@pytest.mark.feature("converse: whole answers")
def test_whole():
    answer = ask(CAPITAL)
    assert answer["output"]["message"] == {"role": "assistant", "content": [{"text": CAPITAL_ANSWER}]}
    assert answer["stopReason"] == "end_turn" and answer["metrics"]["latencyMs"] >= 0
    usage = answer["usage"]
    assert usage["inputTokens"] > 0 and usage["outputTokens"] > 0
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    told = answer["ResponseMetadata"]
    assert (told["HTTPStatusCode"], told["RetryAttempts"]) == (200, 0)
    assert told["RequestId"] == told["HTTPHeaders"]["x-amzn-requestid"]
    assert told["RequestId"] != ask(CAPITAL)["ResponseMetadata"]["RequestId"]


@pytest.mark.feature("converse: conversations and system prompts")
def test_conversations():
    messages = [
        *user("My name is Alex."),
        ask("My name is Alex.")["output"]["message"],
        *user([{"text": "What is my name?"}, {"cachePoint": {"type": "default"}}]),
    ]
    system = [{"text": "You end every sentence with 'meow'."}, {"cachePoint": {"type": "default"}}]
    assert text_of(ask(None, messages=messages)) == "Your name is Alex."
    assert text_of(ask(None, messages=messages, system=system)) == "Your name is Alex, meow."
    begun = [*user(CAPITAL), {"role": "assistant", "content": [{"text": "The capital"}]}]
    assert "The capital" + text_of(ask(None, messages=begun)) == CAPITAL_ANSWER


@pytest.mark.feature("converse: unicode")
def test_unicode():
    assert text_of(ask(ODD)).endswith(f'You said: "{ODD}".')
    assert streamed_text(stream(ODD)).endswith(f'You said: "{ODD}".')


@pytest.mark.feature("converse: models by profile and ARN")
@pytest.mark.parametrize(
    "model",
    [
        LLAMA,
        f"us.{MODEL}",
        f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}",
        f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{MODEL}",
    ],
)
def test_models(model):
    assert text_of(ask(CAPITAL, modelId=model)) == CAPITAL_ANSWER
    assert streamed_text(stream(CAPITAL, modelId=model)) == CAPITAL_ANSWER


@pytest.mark.feature("converse: inference parameters")
def test_parameters():
    config = {"maxTokens": 5, "temperature": 0.5, "topP": 0.9}
    limited = ask(STORY, inferenceConfig=config, requestMetadata={"team": "a"})
    assert (limited["stopReason"], limited["usage"]["outputTokens"]) == ("max_tokens", 5)
    assert text_of(ask(STORY)).startswith(text_of(limited)) and text_of(limited)
    stopped = asked(
        GREEK,
        inferenceConfig={"stopSequences": ["nowhere", "gamma"]},
        additionalModelResponseFieldPaths=["/stop_sequence"],
    )
    answer = client.converse(**stopped)
    assert answer["stopReason"] == "stop_sequence"
    assert answer["additionalModelResponseFields"] == {"stop_sequence": "gamma"}
    assert "alpha beta" in text_of(answer) and "gamma" not in text_of(answer)
    events = list(client.converse_stream(**stopped)["stream"])
    [end] = of_kind(events, "messageStop")
    assert end == {"stopReason": "stop_sequence", "additionalModelResponseFields": {"stop_sequence": "gamma"}}
    assert streamed_text(events) == text_of(answer)


@pytest.mark.feature("converse: images")
@pytest.mark.parametrize(("file", "kind"), [("pixel.png", "png"), ("pixel.jpg", "jpeg"), ("pixel.webp", "webp")])
def test_images(file, kind):
    image = {"image": {"format": kind, "source": {"bytes": gateway.fixture(f"images/{file}")}}}
    assert "1x1 pixels" in text_of(ask([image, {"text": "Describe this image"}]))


@pytest.mark.feature("converse: documents")
def test_documents():
    source = {"bytes": gateway.fixture("files/minimal.pdf")}
    document = {"document": {"format": "pdf", "name": "minimal", "source": source}}
    answer = ask([document, {"text": "Zebra"}])
    assert "1 page" in text_of(answer) and text_of(answer).endswith('You said: "Zebra".')
    assert answer["usage"]["inputTokens"] > ask("Zebra")["usage"]["inputTokens"] + 200
    note = {"document": {"format": "txt", "name": "note", "source": {"bytes": b"Giraffe"}}}
    assert "Giraffe" in text_of(ask([note, {"text": "Zebra"}]))


@pytest.mark.feature("converse: tools")
def test_tools():
    answer = ask(WEATHER, toolConfig=TOOLS)
    [call] = calls_of(answer)
    assert answer["stopReason"] == "tool_use" and call["toolUseId"]
    assert (call["name"], call["input"]) == ("get_weather", IN_PARIS)
    messages = [*user(WEATHER), answer["output"]["message"]]

    def told(**result):
        turns = [*messages, *user([{"toolResult": {"toolUseId": call["toolUseId"], **result}}])]
        return text_of(ask(None, messages=turns, toolConfig=TOOLS))

    assert told(content=[{"text": "18 degrees"}]) == "The tool get_weather answered: 18 degrees."
    assert '{"degrees":18}' in told(content=[{"json": {"degrees": 18}}], status="success")
    failed = told(content=[{"text": "no such city"}], status="error")
    assert failed == "The tool get_weather failed: no such city."


@pytest.mark.feature("converse: parallel tool calls")
def test_parallel_tools():
    first, second = calls_of(ask(WEATHER_TWICE, toolConfig=TOOLS))
    assert (first["input"], second["input"]) == (IN_PARIS, IN_LONDON) and first["toolUseId"] != second["toolUseId"]


@pytest.mark.feature("converse: tool choice")
@pytest.mark.parametrize(
    ("content", "choice", "called"),
    [
        (WEATHER, {"auto": {}}, ["get_weather"]),
        ("Hello", {"auto": {}}, []),
        ("Hello", {"any": {}}, ["get_weather"]),
        ("Hello", {"tool": {"name": "list_timezones"}}, ["list_timezones"]),
    ],
)
def test_tool_choice(content, choice, called):
    answer = ask(content, toolConfig={**TOOLS, "toolChoice": choice})
    assert [call["name"] for call in calls_of(answer)] == called


@pytest.mark.feature("converse: reasoning")
def test_reasoning():
    answer = ask(CAPITAL, **THINKING)
    thought, text = content_of(answer)
    reasoning = thought["reasoningContent"]["reasoningText"]
    assert CAPITAL in reasoning["text"] and reasoning["signature"] and text == {"text": CAPITAL_ANSWER}
    # What the model thought is given back to it.
    messages = [*user(CAPITAL), answer["output"]["message"], *user("My name is Alex.")]
    assert "Alex" in text_of(ask(None, messages=messages, **THINKING))
    deltas = [delta["delta"] for delta in of_kind(stream(CAPITAL, **THINKING), "contentBlockDelta")]
    thoughts = [delta["reasoningContent"] for delta in deltas if "reasoningContent" in delta]
    assert "".join(thought.get("text", "") for thought in thoughts) == reasoning["text"]
    assert thoughts[-1] == {"signature": reasoning["signature"]}
    assert "".join(delta.get("text", "") for delta in deltas) == CAPITAL_ANSWER


@pytest.mark.feature("converse: structured output")
def test_structured():
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(schema), "name": "person"}}}
    answer = ask(PERSON, outputConfig={"textFormat": form})
    assert json.loads(text_of(answer)) == {"name": "Ada", "age": 36}


@pytest.mark.feature("events: text")
def test_streamed():
    whole, events = ask(STORY), stream(STORY)
    kinds = [kind for event in events for kind in event]
    deltas = of_kind(events, "contentBlockDelta")
    assert len(deltas) > 20
    ends = ["contentBlockStop", "messageStop", "metadata"]
    assert kinds == ["messageStart", *["contentBlockDelta"] * len(deltas), *ends]
    assert of_kind(events, "messageStart") == [{"role": "assistant"}]
    assert {delta["contentBlockIndex"] for delta in deltas} == {0} and streamed_text(events) == text_of(whole)
    assert of_kind(events, "messageStop") == [{"stopReason": "end_turn"}]
    [metadata] = of_kind(events, "metadata")
    assert metadata["usage"] == whole["usage"] and metadata["metrics"]["latencyMs"] >= 0


@pytest.mark.feature("events: tool calls")
def test_streamed_tools():
    events = stream(WEATHER_TWICE, toolConfig=TOOLS)
    starts = of_kind(events, "contentBlockStart")
    assert [start["start"]["toolUse"]["name"] for start in starts] == ["get_weather"] * 2
    assert len({start["start"]["toolUse"]["toolUseId"] for start in starts}) == 2
    inputs = {start["contentBlockIndex"]: "" for start in starts}
    for delta in of_kind(events, "contentBlockDelta"):
        inputs[delta["contentBlockIndex"]] += delta["delta"]["toolUse"]["input"]
    assert [json.loads(text) for text in inputs.values()] == [IN_PARIS, IN_LONDON]
    assert [stop["contentBlockIndex"] for stop in of_kind(events, "contentBlockStop")] == list(inputs)
    assert of_kind(events, "messageStop") == [{"stopReason": "tool_use"}]


@pytest.mark.feature("events: one by one")
def test_events_one_by_one(providers):
    gate = providers.gate("bedrock")
    events = iter(connect(providers.credentials).converse_stream(**asked(CAPITAL))["stream"])
    assert next(events) == {"messageStart": {"role": "assistant"}}
    text = ""
    for piece in [1, 2]:
        assert gate.sent() == piece - 1
        gate.release(piece)
        text += next(events)["contentBlockDelta"]["delta"]["text"]
    assert CAPITAL_ANSWER.startswith(text)
    gate.open()
    assert text + streamed_text(events) == CAPITAL_ANSWER


@pytest.mark.feature("events: leaving early")
def test_leaving(providers):
    gate = providers.gate("bedrock")
    events = connect(providers.credentials).converse_stream(**asked(STORY))["stream"]
    gate.release(1)
    assert streamed_text(islice(events, 2)) == "Once "
    events.close()
    [call] = providers.calls()
    assert (call["streamed"], call["status"], call["outcome"]) == (True, 200, "left")


@pytest.mark.feature("embeddings: Cohere")
def test_cohere():
    texts = ["hello", "goodbye"]
    both, headers = invoke(COHERE, texts=texts, input_type="search_document")
    one, _ = invoke(COHERE, texts=["hello"], input_type="search_query", truncate="END")
    assert (both["response_type"], both["texts"]) == ("embeddings_floats", texts)
    assert [len(vector) for vector in both["embeddings"]] == [1_024, 1_024]
    assert both["embeddings"][0] == one["embeddings"][0] != both["embeddings"][1]
    assert int(headers["x-amzn-bedrock-input-token-count"]) > 0
    forms = ["float", "int8", "uint8", "binary", "ubinary"]
    formed, _ = invoke(COHERE, texts=texts, input_type="search_document", embedding_types=forms)
    assert formed["response_type"] == "embeddings_by_type" and formed["embeddings"]["float"] == both["embeddings"]
    lengths = {form: len(vectors[0]) for form, vectors in formed["embeddings"].items()}
    # Eight signs to a byte.
    assert lengths == {"float": 1_024, "int8": 1_024, "uint8": 1_024, "binary": 128, "ubinary": 128}


@pytest.mark.feature("embeddings: Titan")
def test_titan():
    answer, _ = invoke(TITAN, inputText="hello")
    assert len(answer["embedding"]) == 1_024 and answer["inputTextTokenCount"] == 1
    assert answer["embeddingsByType"] == {"float": answer["embedding"]}
    assert math.isclose(math.hypot(*answer["embedding"]), 1, abs_tol=1e-3)
    forms = ["float", "binary"]
    answer, _ = invoke(TITAN, inputText="hello", dimensions=256, normalize=True, embeddingTypes=forms)
    assert [len(answer["embeddingsByType"][form]) for form in forms] == [256, 256]
    assert set(answer["embeddingsByType"]["binary"]) <= {0, 1}
