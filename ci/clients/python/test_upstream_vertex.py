"""`google-genai` at the simulated Vertex AI: the tokens that a service account gets."""

import json

import google.auth
import pytest
from google.auth.exceptions import RefreshError
from google.genai import errors
from google.oauth2 import credentials as oauth2
from google.oauth2 import service_account

import simulator
from gateway import CAPITAL, CAPITAL_ANSWER
from test_upstream_google import SCOPES, account, asked, connect
from test_upstream_google_errors import refused


def ask(client):
    return client.models.generate_content(**asked("vertex", CAPITAL)).text


@pytest.mark.feature("service accounts")
def test_a_token_is_got_once(providers):
    proof = account(providers.credentials)
    client = connect("vertex", providers.credentials, proof)
    assert [ask(client), ask(client)] == [CAPITAL_ANSWER] * 2 and proof.valid
    told = [call["headers"]["authorization"] for call in providers.calls()]
    assert told == [f"Bearer {proof.token}"] * 2


@pytest.mark.feature("service accounts: application default credentials")
def test_a_file(monkeypatch, tmp_path):
    file = tmp_path / "account.json"
    file.write_text(json.dumps(simulator.CREDENTIALS["vertex"]["service_account"]), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    proof, project = google.auth.default(scopes=SCOPES)
    assert project == simulator.CREDENTIALS["vertex"]["project"]
    assert ask(connect("vertex", proof=proof)) == CAPITAL_ANSWER


@pytest.mark.feature("service accounts: errors")
def test_no_token():
    own = simulator.CREDENTIALS["vertex"]["service_account"]
    for proof, words in [
        (account(simulator.CREDENTIALS, client_email="nobody@nowhere.example"), "invalid_grant: .*account not found"),
        (account(simulator.CREDENTIALS, private_key_id="0" * 40), "invalid_grant: Invalid JWT Signature"),
        (service_account.Credentials.from_service_account_info(own), "invalid_scope"),
    ]:
        client = connect("vertex", proof=proof)
        with pytest.raises(RefreshError, match=words):
            ask(client)


@pytest.mark.feature("tokens: errors")
def test_wrong_tokens(providers):
    elsewhere = account(providers.credentials)
    assert ask(connect("vertex", providers.credentials, elsewhere)) == CAPITAL_ANSWER
    for token in ["nobody-knows-it", elsewhere.token]:
        client = connect("vertex", proof=oauth2.Credentials(token))
        error = refused(errors.ClientError, 401, "UNAUTHENTICATED", lambda client=client: ask(client))
        assert error.details["error"]["details"][0]["reason"] == "ACCESS_TOKEN_TYPE_UNSUPPORTED"
