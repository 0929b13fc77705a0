"""An identity provider for trials: discovery, keys, and tokens by client credentials.

Rule 1: what it issues is an RFC 9068 access token, as a real provider's; nothing in Lawgate knows it.
Rule 2: its clients and their secret are printed in the documentation, so it belongs in no production.
Rule 3: its key lives as long as its process and is never written down.
"""

import binascii
import secrets
from base64 import b64decode
from collections.abc import Callable
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

AUDIENCE: Final = "lawgate"
CLIENTS: Final = {"support-desk": ("support",), "intern": ("interns",)}
"""The groups of each client."""
SECRET: Final = "demo"  # noqa: S105  (printed in the documentation: Rule 2)
LIFETIME_S: Final = 3600
FORM_B_MAX: Final = 8192
"""A token request is a few hundred bytes."""

_ALGORITHM: Final = "ES256"
_NO_STORE: Final = {"cache-control": "no-store", "pragma": "no-cache"}
"""RFC 6749 section 5.1."""


class Issuer:
    """Signs tokens as ``name`` with a key of its own. ``clock`` gives seconds since the epoch."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self.name = name
        self._clock = clock
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": _ALGORITHM}, auto_kid=True)

    def metadata(self) -> dict[str, object]:
        """OpenID Connect Discovery 1.0 section 3, as far as it applies without a login page."""
        here = self.name.removesuffix("/")
        return {
            "issuer": self.name,
            "jwks_uri": f"{here}/jwks",
            "token_endpoint": f"{here}/token",
            "authorization_endpoint": f"{here}/authorize",
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [_ALGORITHM],
        }

    def keys(self) -> dict[str, object]:
        """The public half, as a JWK Set (RFC 7517 section 5)."""
        return {"keys": [self._key.as_dict(private=False)]}

    def token(self, client: str) -> str:
        """An access token for a known client (RFC 9068 section 2)."""
        now = int(self._clock())
        claims = {
            "iss": self.name,
            "sub": client,
            "client_id": client,
            "aud": AUDIENCE,
            "groups": list(CLIENTS[client]),
            "iat": now,
            "exp": now + LIFETIME_S,
            "jti": secrets.token_hex(16),
        }
        return jwt.encode({"alg": _ALGORITHM, "typ": "at+jwt", "kid": self._key.kid}, claims, self._key)


def identity_provider(issuer: Issuer) -> Starlette:
    """The application of one issuer."""

    async def discovery(_request: Request) -> Response:
        return JSONResponse(issuer.metadata())

    async def jwks(_request: Request) -> Response:
        return JSONResponse(issuer.keys())

    async def token(request: Request) -> Response:
        form = await _form(request)
        if form is None or "grant_type" not in form:
            return _refused(400, "invalid_request")
        if form["grant_type"] != "client_credentials":
            return _refused(400, "unsupported_grant_type")
        client = _client(request.headers.get("authorization"), form)
        if client is None:
            return _refused(401, "invalid_client")
        body = {"access_token": issuer.token(client), "token_type": "Bearer", "expires_in": LIFETIME_S}
        return JSONResponse(body, headers=_NO_STORE)

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", discovery),
            Route("/jwks", jwks),
            Route("/token", token, methods=["POST"]),
        ]
    )


def _refused(status: int, error: str) -> Response:
    """RFC 6749 section 5.2."""
    challenge = {"www-authenticate": 'Basic realm="lawgate demo"'} if status == 401 else {}  # noqa: PLR2004
    return JSONResponse({"error": error}, status, headers=_NO_STORE | challenge)


async def _form(request: Request) -> dict[str, str] | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_B_MAX:
            return None
    try:
        pairs = parse_qsl(body.decode("ascii"), strict_parsing=True, errors="strict")
    except ValueError:
        return None
    form = dict(pairs)
    return form if len(form) == len(pairs) else None  # RFC 6749 section 3.2: no parameter twice


def _client(authorization: str | None, form: dict[str, str]) -> str | None:
    """The client that the request proves to be (RFC 6749 section 2.3.1), if any."""
    if authorization is None:
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
    else:
        name, secret = _basic(authorization)
    proven = compare_digest(secret.encode(), SECRET.encode())
    return name if proven and name in CLIENTS else None


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)
