"""No personal data in clear: not in the store's files, not in what the process prints, not in its metrics (law 4).

Rule 1: values go in by every door (bodies, streams, headers, targets, tokens, nonsense) and come from
    upstreams by theirs; each is then searched for in every file, in every spelling it could have taken.
Rule 2: the search is shown to find what it looks for.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from tests.fault_upstream import RECITED, FaultUpstream
from tests.faults.raw_client import ask, chat, post
from tests.faults.records import entries
from tests.gateway_process import PREAMBLE, GatewayProcess
from tests.token_mint import jwk, jwks, token

CORPUS: Final = Path(__file__).resolve().parents[1] / "corpus" / "personal.txt"
MARKED: Final = re.compile(r"⟦\w+ ([^⟧]*)⟧")
LINES: Final = [
    line.partition("\t")[2].replace("⏎", "\n") for line in CORPUS.read_text("utf-8").splitlines() if "⟦" in line
]
TEXTS: Final = [MARKED.sub(r"\1", line) for line in LINES]
VALUES: Final = sorted({value for line in LINES for value in MARKED.findall(line)})
PRINCIPAL: Final = "petra.principal@staff.example"
NAME: Final = "Petra Principal-Beispiel"
MAILS: Final = [value for value in VALUES if value.isascii() and "@" in value and value.isprintable()]
"""Values that a header, a target or a token can hold."""
CONFIGURATION: Final = """\
identity: [{{issuer: "{issuer}", audience: lawgate}}]
logging: {{level: debug}}
connections:
  m: {{protocol: openai, upstream: "{upstream}/v1", recipient: {{name: L, role: internal, country: DE}}}}
purposes:
  p:
    title: T
    allow: {{groups: [g], connections: [m]}}
    lawful_basis: 6-1-b
    data: {{subjects: [customers], categories: [contact]}}
    record: full
    mask: {{request: hmac, answer: replace}}
"""
CHAT: Final = "/m/v1/chat/completions"


# ---- an issuer ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Discovery and keys of an identity provider on loopback."""
    keys = jwks(jwk())  # made here: two threads would make two keys

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = {"issuer": url, "jwks_uri": f"{url}/jwks", "id_token_signing_alg_values_supported": ["RS256"]}
            body = keys if self.path == "/jwks" else json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield url
    server.shutdown()
    server.server_close()
    thread.join(10)


# ---- the search -----------------------------------------------------------------------------


def spellings(value: str) -> set[bytes]:
    """The forms in which a value could lie about."""
    raw = value.encode()
    found = {raw, raw.lower(), json.dumps(value)[1:-1].encode(), quote(value).encode(), quote(value, "").encode()}
    found |= {raw.hex().encode(), raw.hex().upper().encode(), value.encode("utf-16-le"), repr(raw)[2:-1].encode()}
    for before in range(3):
        padded = base64.b64encode(b"\0" * before + raw)
        whole = padded[(8 * before + 5) // 6 : (len(raw) + before) * 8 // 6]
        found |= {whole, whole.replace(b"+", b"-").replace(b"/", b"_")}
    return {form for form in found if len(form) >= 8}


FORMS: Final = {value: spellings(value) for value in (*VALUES, *RECITED, PRINCIPAL, NAME)}


def search(places: dict[str, bytes]) -> list[str]:
    """Every place that holds a value in any spelling."""
    return [
        f"{place} holds {value!r} as {form!r}"
        for place, data in places.items()
        for lower in [data.lower()]
        for value, forms in FORMS.items()
        for form in forms
        if form in data or form in lower
    ]


def places_of(gateway: GatewayProcess) -> dict[str, bytes]:
    """Everything that the gateway left or says: files, log, metrics."""
    folders = (gateway.paths.evidence, gateway.paths.keys, gateway.kek_file.parent)
    files = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    places = {str(path.relative_to(gateway.folder)): path.read_bytes() for path in files}
    places["log"] = gateway.stderr.encode()
    if gateway.running:
        for route in ("metrics", "readyz", "livez"):
            with urlopen(f"{gateway.control_url}/{route}", timeout=5) as answer:
                places[route] = answer.read()
    return places


# ---- the traffic ----------------------------------------------------------------------------


def bodies(key: str) -> Iterator[bytes]:
    """The corpus in requests that pass and in requests that are refused."""
    for number, text in enumerate(TEXTS):
        stream = number % 2 == 1
        yield post(CHAT, chat("stream" if stream else "answer", text, stream=stream), key)
        plain = json.dumps({"model": "answer", "messages": [text], text[:40]: text}, ensure_ascii=False)
        yield post(CHAT, plain, key)
        yield post(CHAT, plain[:-1], key)
        yield post(CHAT, text, key, content_type=("image/png", "text/html", "application/json")[number % 3])
    for text in MAILS:
        yield post(CHAT, chat(text, text), key)
        yield post(CHAT, chat("answer", text), key, content_type=f"application/json; name={text}")
        yield post(CHAT, chat("close_in_stream", text, stream=True), key)
        yield post(CHAT, chat("garbage", text), key)


def heads(key: str) -> Iterator[bytes]:
    """Values in fields, targets and credentials."""
    good = chat("answer", "hello")
    for mail in MAILS:
        safe = quote(mail)
        for name in ("Lawgate-Subject", "Lawgate-Purpose", "User-Agent", "Origin", "X-Name", "Cookie", mail[:20]):
            yield post(CHAT, good, key, (name, f"email={mail}" if name == "Lawgate-Subject" else mail))
        for path in (f"/{safe}/v1/chat/completions", f"{CHAT}/{safe}", f"{CHAT}?user={safe}", f"{CHAT}?user={mail}"):
            yield post(path, good, key)
        for credential in (mail, base64.b64encode(mail.encode()).decode(), f"lgk_{mail}", forged(mail)):
            yield post(CHAT, good, credential)
        yield f"GET /m/{mail} HTTP/9.9\r\n\r\n".encode()
        yield f"{mail}\r\n\r\n".encode()
        yield f"GET /m/a HTTP/1.1\r\nHost: {mail}\r\n{mail}\r\n\r\n".encode()


def forged(mail: str) -> str:
    """A token with a person in each claim, signed by somebody else."""
    now = int(time.time())
    return token(claims={"sub": mail, "email": mail, "iss": mail, "iat": now, "exp": now + 60}, header={"kid": mail})


def people(issuer: str) -> str:
    """A good token of a person with a name."""
    now = int(time.time())
    claims = {"iss": issuer, "sub": PRINCIPAL, "name": NAME, "email": PRINCIPAL, "groups": ["g"]}
    return token(claims=claims | {"client_id": PRINCIPAL, "iat": now, "exp": now + 600})


def drive(gateway: GatewayProcess, sends: Sequence[bytes]) -> list[int]:
    """Send everything from a few clients; the statuses."""
    statuses: list[int] = []

    def run(part: Sequence[bytes]) -> None:
        statuses.extend([ask(gateway.data_port, sent).status for sent in part])

    threads = [threading.Thread(target=run, args=(sends[number::4],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return statuses


def test_nothing_lies_in_clear(tmp_path: Path, upstream: FaultUpstream, issuer: str) -> None:
    text = PREAMBLE + CONFIGURATION.format(upstream=upstream.url, issuer=issuer)
    gateway = GatewayProcess(tmp_path / "gateway", text).start()
    person, service = people(issuer), gateway.new_key("p")
    recitals = [
        "recite",
        "recite_in_stream",
        "recite_and_leave",
        "recite_nonsense",
        "recite_in_head",
        "recite_in_error",
    ]
    sends = [*bodies(person), *heads(service), *heads(person)]
    sends += [post(CHAT, chat(model, stream="stream" in model), person) for model in recitals]
    try:
        statuses = drive(gateway, sends)
        assert {200, 400, 401, 403, 404, 415, 502} <= set(statuses), "every kind of end was reached"
        assert search(places_of(gateway)) == []
        gateway.kill()
        assert search(places_of(gateway)) == [], "what a crash leaves"
        gateway.start()
        assert set(drive(gateway, [*heads(forged(MAILS[0]))])) <= {400, 401, 505}
        kinds = {entry.kind for entry in entries(gateway)}
        assert {"intent", "outcome", "refusal"} <= kinds
        callers = [entry.meta["caller"]["subject"] for entry in entries(gateway, kind="intent")]
        assert PRINCIPAL in callers, "the record knows who asked; only its files do not say so"
    finally:
        gateway.stop()
    assert {entry.kind for entry in entries(gateway)} >= {"refusals"}
    assert search(places_of(gateway)) == [], "what a stop leaves"
    assert "Traceback" not in gateway.stderr
    assert "failed inside the gateway" not in gateway.stderr
    assert {seen.model for seen in upstream.seen} >= set(recitals)


@pytest.mark.parametrize("value", [VALUES[0], VALUES[-1], RECITED[0], PRINCIPAL])
def test_the_search_finds(value: str) -> None:
    raw = value.encode()
    for data in (
        b"..." + raw + b"...",
        json.dumps({"a": value}).encode(),
        base64.b64encode(b"12" + raw + b"4567"),
        base64.urlsafe_b64encode(b"1" + raw + b"45"),
        base64.b64encode(raw + b"45"),
        quote(f"?user={value}&").encode(),
        raw.hex().encode(),
        raw.upper() if value.isascii() else raw,
    ):
        assert search({"place": b"\0\1" + data}), data
