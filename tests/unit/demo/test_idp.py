"""The identity provider for trials, through the verifier that the gateway uses."""

import json
import time
from urllib.parse import urlsplit

import httpx
import jwt as pyjwt
import pytest

from lawgate.demo.idp import AUDIENCE, FORM_B_MAX, LIFETIME_S, Issuer, identity_provider
from lawgate.identify.claims import principal_from
from lawgate.identify.issuer import IssuerPolicy
from lawgate.identify.jwt import parse_token, verified_claims
from lawgate.identify.keys import parse_key_set
from lawgate.identify.metadata import jwks_uri_from

NAME = "http://127.0.0.1:9000"
NOW = 1_800_000_000.0
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(NAME, lambda: NOW)


@pytest.fixture
def client(issuer: Issuer) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(identity_provider(issuer)), base_url=NAME)


@pytest.mark.parametrize(("name", "groups"), [("support-desk", ("support",)), ("intern", ("interns",))])
async def test_its_tokens_pass_the_gateways_own_checks(
    client: httpx.AsyncClient, name: str, groups: tuple[str, ...]
) -> None:
    document = (await client.get("/.well-known/openid-configuration")).content
    keys = parse_key_set((await client.get(urlsplit(jwks_uri_from(document, NAME, allow_http=False)).path)).content)
    answer = await client.post(urlsplit(json.loads(document)["token_endpoint"]).path, data=GRANT, auth=(name, "demo"))
    policy = IssuerPolicy(NAME, (AUDIENCE,))
    token = answer.json()["access_token"]
    principal = principal_from(verified_claims(parse_token(token), keys, policy), policy, NOW)
    assert (principal.subject, principal.groups) == (name, groups)
    assert principal.expires_at == NOW + LIFETIME_S
    assert answer.headers["cache-control"] == "no-store"


def test_pyjwt_agrees() -> None:
    issuer = Issuer(NAME, time.time)
    token = issuer.token("support-desk")
    (key,) = pyjwt.PyJWKSet.from_dict(issuer.keys()).keys
    claims = pyjwt.decode(token, key, algorithms=["ES256"], audience=AUDIENCE, issuer=NAME)
    assert claims["groups"] == ["support"]
    assert pyjwt.get_unverified_header(token)["typ"] == "at+jwt"


async def test_its_key_set_holds_no_private_member(client: httpx.AsyncClient) -> None:
    (key,) = (await client.get("/jwks")).json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "use", "alg", "kid"}


async def test_a_client_may_send_its_secret_in_the_form(client: httpx.AsyncClient) -> None:
    form = {**GRANT, "client_id": "support-desk", "client_secret": "demo"}
    assert (await client.post("/token", data=form)).status_code == 200


@pytest.mark.parametrize(
    ("authorization", "form", "status", "error"),
    [
        (None, "grant_type=client_credentials", 401, "invalid_client"),
        ("Bearer abc", "grant_type=client_credentials", 401, "invalid_client"),
        ("Basic ???", "grant_type=client_credentials", 401, "invalid_client"),
        ("Basic 4pi6", "grant_type=client_credentials", 401, "invalid_client"),
        ("Basic c3VwcG9ydC1kZXNrOndyb25n", "grant_type=client_credentials", 401, "invalid_client"),
        ("Basic c29tZWJvZHk6ZGVtbw==", "grant_type=client_credentials", 401, "invalid_client"),
        ("Basic c3VwcG9ydC1kZXNrOmRlbW8=", "grant_type=password", 400, "unsupported_grant_type"),
        ("Basic c3VwcG9ydC1kZXNrOmRlbW8=", "", 400, "invalid_request"),
        ("Basic c3VwcG9ydC1kZXNrOmRlbW8=", "grant_type=client_credentials&grant_type=x", 400, "invalid_request"),
        ("Basic c3VwcG9ydC1kZXNrOmRlbW8=", "x" * (FORM_B_MAX + 1), 400, "invalid_request"),
        ("Basic c3VwcG9ydC1kZXNrOmRlbW8=", "grant_type=%ff", 400, "invalid_request"),
    ],
)
async def test_other_requests_get_no_token(
    client: httpx.AsyncClient, authorization: str | None, form: str, status: int, error: str
) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    if authorization is not None:
        headers["authorization"] = authorization
    answer = await client.post("/token", content=form.encode(), headers=headers)
    assert (answer.status_code, answer.json()) == (status, {"error": error})
