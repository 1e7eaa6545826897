"""`boto3` at the simulated Bedrock: signatures, typed errors, retries, broken streams and timeouts."""

import pytest
from botocore import UNSIGNED
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, ConnectionClosedError, EventStreamError, ReadTimeoutError
from urllib3.exceptions import ProtocolError

import gateway
from gateway import CAPITAL, CAPITAL_ANSWER, STORY
from test_upstream_bedrock import (
    COHERE,
    LLAMA,
    MODEL,
    TITAN,
    TOOLS,
    ask,
    asked,
    client,
    connect,
    invoke,
    stream,
    streamed_text,
    text_of,
    user,
)

THREE_TRIES = {"mode": "standard", "total_max_attempts": 3}


def refused(code, status, act):
    """The error that something ends in. Errors of the service's own have a type each, all others only a code."""
    with pytest.raises(ClientError) as raised:
        act()
    error, told = raised.value, raised.value.response
    assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == (code, status), error
    assert type(error) is getattr(client.exceptions, code, ClientError), type(error)
    assert told["ResponseMetadata"]["RequestId"] and told["Error"]["Message"]
    return told["Error"]["Message"]


@pytest.mark.feature("signatures")
@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({"aws_secret_access_key": "another/secret"}, "InvalidSignatureException"),
        ({"region_name": "eu-west-1"}, "InvalidSignatureException"),
        ({"aws_access_key_id": "AKIANOBODYKNOWSTHIS1"}, "UnrecognizedClientException"),
        # A key that lasts has no sessions.
        ({"aws_session_token": "of-another-key"}, "UnrecognizedClientException"),
    ],
)
def test_wrong_keys(session, code):
    wrong = connect(session=session)
    for call in [wrong.converse, wrong.converse_stream]:
        message = refused(code, 403, lambda call=call: call(**asked(CAPITAL)))
        assert ("aws_secret_access_key" in session) == message.startswith("The request signature we calculated")


@pytest.mark.feature("signatures")
def test_no_signature():
    unsigned = connect(signature_version=UNSIGNED)
    refused("MissingAuthenticationTokenException", 403, lambda: unsigned.converse(**asked(CAPITAL)))


@pytest.mark.feature("signatures")
def test_what_is_changed_on_the_way():
    changed = connect()

    def change(request, **_):
        request.body = request.body.replace(b"France", b"Norway")

    changed.meta.events.register("before-send.bedrock-runtime.Converse", change)
    refused("InvalidSignatureException", 403, lambda: changed.converse(**asked(CAPITAL)))
    assert text_of(changed.converse(**asked("My name is Alex."))) == "Hello, Alex! It is nice to meet you."


@pytest.mark.feature("errors: ValidationException")
@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"inferenceConfig": {"temperature": 1.5}}, "Value '1.5' at 'inferenceConfig.temperature'"),
        ({"inferenceConfig": {"stopSequences": [" "]}}, "each stop sequence must contain non-whitespace"),
        ({"messages": []}, "A conversation must start with a user message."),
        ({"messages": [{"role": "assistant", "content": [{"text": "Hi"}]}]}, "start with a user message"),
        ({"messages": [*user("Hi"), *user("Hi")]}, "alternate between user and assistant roles"),
        ({"messages": user([{"toolResult": {"toolUseId": "a", "content": []}}])}, "The toolConfig field must be"),
        ({"toolConfig": {**TOOLS, "toolChoice": {"tool": {"name": "other"}}}}, "Tool 'other' not found"),
        ({"modelId": "no-such-model"}, "The provided model identifier is invalid."),
        ({"modelId": COHERE}, "This action doesn't support the model that you provided."),
        ({"modelId": LLAMA, "messages": user("word " * 20_000)}, "Input is too long for requested model."),
        ({"additionalModelRequestFields": {"foo": 1}}, "foo: Extra inputs are not permitted"),
        ({"guardrailConfig": {"guardrailIdentifier": "a", "guardrailVersion": "1"}}, "guardrail"),
    ],
)
def test_validation(members, words):
    for act in [ask, stream]:
        assert words in refused("ValidationException", 400, lambda act=act: act(CAPITAL, **members))


@pytest.mark.feature("errors: ValidationException")
def test_validation_of_an_image():
    source = {"bytes": gateway.fixture("images/pixel.png")}
    mistaken = [{"image": {"format": "gif", "source": source}}, {"text": "Describe this image"}]
    assert "image/gif" in refused("ValidationException", 400, lambda: ask(mistaken))
    junk = [{"image": {"format": "png", "source": {"bytes": b"junk"}}}, {"text": "Describe this image"}]
    refused("ValidationException", 400, lambda: ask(junk))


@pytest.mark.feature("errors: ValidationException")
@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        (COHERE, {"texts": ["hello"]}, "#: required key [input_type] not found"),
        (COHERE, {"texts": ["hello"] * 97, "input_type": "search_query"}, "#/texts"),
        (TITAN, {"inputText": "hello", "dimensions": 300}, "300 is not a valid enum value"),
        (TITAN, {"texts": ["hello"]}, "Malformed input request"),
        (MODEL, {"inputText": "hello"}, "This action doesn't support the model"),
        ("no-such-model", {"inputText": "hello"}, "The provided model identifier is invalid."),
    ],
)
def test_validation_of_embeddings(model, body, words):
    assert words in refused("ValidationException", 400, lambda: invoke(model, **body))


@pytest.mark.feature("errors: every kind")
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (408, "ModelTimeoutException"),
        (424, "ModelErrorException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
def test_every_kind(providers, status, code):
    fault = providers.arm("bedrock", "status", 2, status=status, message="not now")
    client = connect(providers.credentials)
    for call in [client.converse, client.converse_stream]:
        assert refused(code, status, lambda call=call: call(**asked(CAPITAL))) == "not now"
    assert providers.struck(fault) == 2
    assert text_of(client.converse(**asked(CAPITAL))) == CAPITAL_ANSWER


@pytest.mark.feature("errors: undocumented")
def test_an_error_that_nobody_documents(providers):
    providers.arm("bedrock", "unmapped-error")
    with pytest.raises(ClientError) as raised:
        connect(providers.credentials).converse(**asked(CAPITAL))
    # The client has nothing but the status to go by.
    assert raised.value.response["Error"]["Code"] == "418"


@pytest.mark.feature("retries: off")
def test_no_retries(providers):
    fault = providers.arm("bedrock", "status", 2, status=429)
    refused("ThrottlingException", 429, lambda: connect(providers.credentials).converse(**asked(CAPITAL)))
    assert providers.struck(fault) == len(providers.calls()) == 1


@pytest.mark.feature("retries: standard and adaptive")
@pytest.mark.parametrize(
    ("mode", "status", "times"), [("standard", 503, 2), ("standard", 429, 1), ("adaptive", 500, 2)]
)
def test_retries(providers, mode, status, times):
    providers.arm("bedrock", "status", times, status=status)
    answer = connect(providers.credentials, retries={**THREE_TRIES, "mode": mode}).converse(**asked(CAPITAL))
    assert text_of(answer) == CAPITAL_ANSWER and answer["ResponseMetadata"]["RetryAttempts"] == times
    calls = providers.calls()
    assert [call["status"] for call in calls] == [status] * times + [200]
    # They are one invocation, and each is signed anew.
    assert len({call["headers"]["amz-sdk-invocation-id"] for call in calls}) == 1
    assert [call["headers"]["amz-sdk-request"].split(";")[0] for call in calls] == [
        f"attempt={number + 1}" for number in range(times + 1)
    ]


@pytest.mark.feature("retries: standard and adaptive")
def test_retries_of_a_stream(providers):
    providers.arm("bedrock", "status", status=503)
    answer = connect(providers.credentials, retries=THREE_TRIES).converse_stream(**asked(CAPITAL))
    assert streamed_text(answer["stream"]) == CAPITAL_ANSWER
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1


@pytest.mark.feature("retries: not enough, or none")
@pytest.mark.parametrize(
    ("status", "code", "calls"),
    [(503, "ServiceUnavailableException", 3), (408, "ModelTimeoutException", 1), (400, "ValidationException", 1)],
)
def test_retries_that_do_not_help(providers, status, code, calls):
    providers.arm("bedrock", "status", 4, status=status)
    client = connect(providers.credentials, retries=THREE_TRIES)
    refused(code, status, lambda: client.converse(**asked(CAPITAL)))
    assert [call["status"] for call in providers.calls()] == [status] * calls


@pytest.mark.feature("errors in a stream")
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "validationException"),
        (424, "modelStreamErrorException"),
        (429, "throttlingException"),
        (500, "internalServerException"),
        (503, "serviceUnavailableException"),
    ],
)
def test_an_error_in_a_stream(providers, status, code):
    providers.arm("bedrock", "error-event", status=status, after_events=3, message="no more")
    events = []
    with pytest.raises(EventStreamError) as raised:
        for event in connect(providers.credentials).converse_stream(**asked(STORY))["stream"]:
            events.append(event)
    told = raised.value.response["Error"]
    assert (told["Code"], told["Message"]) == (code, "no more")
    assert len(events) == 3 and text_of(ask(STORY)).startswith(streamed_text(events))


@pytest.mark.feature("streams that break")
@pytest.mark.parametrize(("kind", "error"), [("cut-stream", ProtocolError), ("malformed-sse", ChecksumMismatch)])
def test_a_stream_that_breaks(providers, kind, error):
    providers.arm("bedrock", kind, after_events=4)
    events = []
    with pytest.raises(error):
        for event in connect(providers.credentials).converse_stream(**asked(STORY))["stream"]:
            events.append(event)
    assert len(events) == 4 and text_of(ask(STORY)).startswith(streamed_text(events))


@pytest.mark.feature("connections that break")
def test_a_reset(providers):
    providers.arm("bedrock", "reset", 2)
    with pytest.raises(ConnectionClosedError):
        connect(providers.credentials).converse(**asked(CAPITAL))
    answer = connect(providers.credentials, retries=THREE_TRIES).converse(**asked(CAPITAL))
    assert text_of(answer) == CAPITAL_ANSWER and answer["ResponseMetadata"]["RetryAttempts"] == 1


@pytest.mark.feature("timeouts")
def test_timeouts(providers):
    providers.arm("bedrock", "hang")
    client = connect(providers.credentials, read_timeout=0.5)
    with pytest.raises(ReadTimeoutError):
        client.converse(**asked(CAPITAL))
    [call] = providers.calls()
    assert (call["status"], call["outcome"], call["fault"]) == (None, "left", "hang")
    patient = connect(providers.credentials)
    assert text_of(patient.converse(**asked(CAPITAL))) == CAPITAL_ANSWER
