"""`google-genai` at the simulated Gemini: what its service has and Vertex AI has not."""

import pytest
from google.genai import errors

from gateway import CAPITAL
from test_upstream_google import EMBEDDERS, MODELS, asked, clients, connect
from test_upstream_google_errors import refused

MODEL = MODELS["gemini"]


@pytest.mark.feature("keys")
def test_keys():
    for key in ["nobody-knows-it", "sk-upstream-openai"]:
        client = connect("gemini", proof=key)
        for act in [
            lambda client=client: client.models.generate_content(**asked("gemini", CAPITAL)),
            lambda client=client: list(client.models.generate_content_stream(**asked("gemini", CAPITAL))),
        ]:
            error = refused(errors.ClientError, 400, "INVALID_ARGUMENT", act)
            assert error.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"


@pytest.mark.feature("models")
def test_models():
    embedder, _ = EMBEDDERS["gemini"]
    # A page of one, so that the client goes on from page to page.
    models = {model.name: model for model in clients["gemini"].models.list(config={"page_size": 1})}
    assert {f"models/{MODEL}", f"models/{embedder}"} <= set(models)
    model = clients["gemini"].models.get(model=MODEL)
    assert model == models[f"models/{MODEL}"] and "generateContent" in model.supported_actions
    refused(errors.ClientError, 404, "NOT_FOUND", lambda: clients["gemini"].models.get(model="no-such-model"))
