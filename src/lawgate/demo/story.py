"""The story: what happens, and that it did.

Rule 1: every step states what must be so and checks it; the first that is not ends the story by name.
Rule 2: what is shown is what was sent, received, stored or printed by a real command; nothing is retold.
Rule 3: the values are test values: reserved domains, numbers kept free for films, test cards, example accounts.
"""

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lawgate.demo import idp, replies, tampering
from lawgate.demo.children import POLL_S, run
from lawgate.demo.page import Page
from lawgate.demo.stage import CONNECTION, Stage
from lawgate.domain.errors import LawgateError

EMAIL: Final = "anna.kowalska@mail.example"
PHONE: Final = "+49 30 23125 467"
IBAN: Final = "GB33 BUKB 2020 1555 5555 55"
CARD: Final = "4111 1111 1111 1111"
CLIENTS_DATA: Final = (EMAIL, PHONE, IBAN, CARD)
MODELS_DATA: Final = (replies.EMAIL, replies.IBAN)
PERSONAL: Final = CLIENTS_DATA + MODELS_DATA

QUESTION: Final = f"Tell {EMAIL} (phone {PHONE}) that we refund card {CARD}, or else account {IBAN}."
STREAMED_QUESTION: Final = "Who gets the money?"
_DELAY_MS: Final = "5"
_SETTLED_S: Final = 5
_FOUND: Final = re.compile(r"\[[A-Z][A-Z_]*\]")
_CUT: Final = "..."


class StepFailedError(LawgateError):
    """A step of the story did not happen; the message names it and says what was otherwise."""


@dataclass
class Telling:
    """What the acts share."""

    stage: Stage
    page: Page
    tokens: dict[str, str] = field(default_factory=dict)
    exchange: str = ""
    checks: int = 0
    step: str = ""

    def begin(self, step: str, title: str) -> None:
        """Every check from here on belongs to this step."""
        self.step = step
        self.page.title(title)

    def check(self, holds: object, otherwise: str) -> None:
        """Raise ``StepFailedError`` unless it holds."""
        if not holds:
            raise StepFailedError(f"{self.step}: {otherwise}")
        self.checks += 1


def tell(stage: Stage, page: Page, interrupted: Callable[[], None]) -> Telling:
    """Tell all of it. Raises ``StepFailedError`` and ``ChildError``."""
    telling = Telling(stage, page)
    for act in (_sign_in, _governed, _streamed, _refused, _recorded, _tampered):
        interrupted()
        stage.require_running()
        try:
            act(telling)
        except LawgateError:
            raise
        except Exception as error:  # noqa: BLE001  (a boundary: whatever went wrong, the step did not happen)
            raise StepFailedError(f"{telling.step}: {type(error).__name__}: {error}") from None
    return telling


# ---- identity -----------------------------------------------------------------------------------


def _sign_in(telling: Telling) -> None:
    """Tokens as any client gets them, by client credentials (RFC 6749 section 4.4)."""
    telling.step = "identity"
    for client in idp.CLIENTS:
        form = {"grant_type": "client_credentials"}
        answer = telling.stage.client.post(f"{telling.stage.idp}/token", data=form, auth=(client, idp.SECRET))
        telling.check(answer.is_success, f"no token for {client}: {answer.text}")
        telling.tokens[client] = answer.json()["access_token"]


# ---- requests -----------------------------------------------------------------------------------


def chat_url(stage: Stage) -> str:
    """Where clients of the demo's connection send chats."""
    return f"{stage.gateway}/{CONNECTION}/v1/chat/completions"


def chat(text: str, **members: Any) -> dict[str, Any]:
    """A chat completion request."""
    return {"model": "demo", "messages": [{"role": "user", "content": text}], **members}


def _bearer(telling: Telling, client: str) -> dict[str, str]:
    return {"authorization": f"Bearer {telling.tokens[client]}"}


def _governed(telling: Telling) -> None:
    stage, page = telling.stage, telling.page
    telling.begin("governed request", "1  A request with personal data")
    headers = _bearer(telling, "support-desk")
    answer = stage.client.post(chat_url(stage), json=chat(QUESTION), headers=headers)
    telling.check(answer.is_success, f"the gateway answered {answer.status_code}: {answer.text}")
    telling.exchange = answer.headers.get("lawgate-exchange-id", "")
    telling.check(telling.exchange, "the answer has no Lawgate-Exchange-Id")
    seen = _seen(telling, telling.exchange)
    told = json.loads(seen["body"])["messages"][0]["content"]
    content = answer.json()["choices"][0]["message"]["content"]
    _require_absent(telling, "the model saw", seen["body"], CLIENTS_DATA)
    for mask in ("<EMAIL>", "<PHONE>", "<IBAN>", "[REDACTED]"):
        telling.check(mask in told, f"the model did not see {mask}")
    _require_absent(telling, "the client got", answer.text, PERSONAL)
    page.say("client sent", QUESTION)
    page.say("model saw", told)
    page.say("model said", "".join(seen["pieces"]))
    page.say("client got", content)


def _streamed(telling: Telling) -> None:
    stage, page = telling.stage, telling.page
    telling.begin("streamed request", "2  A streamed answer, with values cut in two by its events")
    asked = chat(STREAMED_QUESTION, stream=True, metadata={"delay_ms": _DELAY_MS})
    with stage.client.stream("POST", chat_url(stage), json=asked, headers=_bearer(telling, "support-desk")) as answer:
        telling.check(answer.is_success, f"the gateway answered {answer.status_code}")
        received = "".join(answer.iter_text())
        exchange = answer.headers["lawgate-exchange-id"]
    pieces = _seen(telling, exchange)["pieces"]
    for value in MODELS_DATA:
        telling.check(value in "".join(pieces), "the model sent no personal data")
        telling.check(not any(value in piece for piece in pieces), "the model's events did not cut the values")
    got = pieces_of(received)
    telling.check(received.rstrip().endswith("data: [DONE]"), "the stream has no end mark")
    telling.check(len(got) > 1, "the answer did not come in pieces")
    _require_absent(telling, "the client got", "".join(got) + received, MODELS_DATA)
    telling.check("".join(got).count("[REDACTED]") == len(MODELS_DATA), "the client did not get two masks")
    page.say("model sent", "|".join(pieces))
    page.say("client got", "".join(got))


def _refused(telling: Telling) -> None:
    stage, page = telling.stage, telling.page
    telling.begin("refused request", "3  The same request by somebody whose group has no purpose for it")
    answer = stage.client.post(chat_url(stage), json=chat(QUESTION), headers=_bearer(telling, "intern"))
    error = answer.json().get("error", {})
    telling.check(answer.status_code == 403, f"the gateway answered {answer.status_code}")  # noqa: PLR2004
    telling.check(error.get("code") == "purpose_none", f"the refusal's code is {error.get('code')}")
    exchange = answer.headers["lawgate-exchange-id"]
    telling.check(all(each["exchange"] != exchange for each in _all_seen(telling)), "the model saw the request")
    page.say("client got", f"{answer.status_code} {error['code']}: {error['message']}")
    page.say("model saw", "nothing")


def pieces_of(events: str) -> list[str]:
    """The texts of a streamed chat, in order."""
    data = [line.removeprefix("data: ") for line in events.splitlines() if line.startswith("data: {")]
    choices = [choice for event in data for choice in json.loads(event)["choices"]]
    return [choice["delta"]["content"] for choice in choices if choice["delta"].get("content")]


def _all_seen(telling: Telling) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = telling.stage.client.get(f"{telling.stage.model}/demo/seen").json()
    return seen


def _seen(telling: Telling, exchange: str) -> dict[str, Any]:
    """What reached the model of one exchange."""
    found = [each for each in _all_seen(telling) if each["exchange"] == exchange]
    telling.check(len(found) == 1, f"the model saw exchange {exchange} {len(found)} times")
    return found[0]


def _require_absent(telling: Telling, who: str, text: str, values: tuple[str, ...]) -> None:
    for value in values:
        telling.check(value not in text, f"{who} {value}")


# ---- evidence -----------------------------------------------------------------------------------


def _recorded(telling: Telling) -> None:
    stage, page = telling.stage, telling.page
    telling.begin("record", "4  The record of the first request")
    _wait_until_settled(telling, entries=2)
    shown = run("records", "show", telling.exchange, "--config", str(stage.configuration))
    telling.check(shown.returncode == 0, f"lawgate records show failed: {shown.stderr.strip()}")
    telling.check(telling.exchange in shown.stdout, "lawgate records show does not show it")
    _require_absent(telling, "lawgate records show printed", shown.stdout, PERSONAL)
    page.command(f"lawgate records show {telling.exchange}", without_json(shown.stdout))
    telling.check(not (found := files_in_clear(stage.folder)), f"in clear on disk: {found}")
    page.line()
    page.say("on disk", f"none of the {len(PERSONAL)} values above is in clear in any file of the store or log")


def without_json(output: str) -> str:
    """A command's output with JSON cut down to the lines that show where something was found."""
    lines: list[str] = []
    inside = False
    for line in output.splitlines():
        inside = inside or line == "{"
        if not inside or _FOUND.search(line):
            lines.append(line)
        elif lines[-1] != _CUT:
            lines.append(_CUT)
        inside = inside and line != "}"
    return "\n".join(lines)


def files_in_clear(folder: Path) -> dict[str, list[str]]:
    """The files below ``folder`` in which some of the story's personal values stand readable."""
    found: dict[str, list[str]] = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # the gateway may replace a file just now
            if path.is_file() and (values := in_clear(path.read_bytes())):
                found[path.name] = values
    return found


def in_clear(data: bytes) -> list[str]:
    """Which of the story's personal values stand readable in ``data``, with or without their spaces."""
    forms = {value: {value.encode(), value.replace(" ", "").encode()} for value in PERSONAL}
    return [value for value, written in forms.items() if any(form in data for form in written)]


def _tampered(telling: Telling) -> None:
    stage, page = telling.stage, telling.page
    telling.begin("tampering", "5  Somebody changes one byte in a copy of the store")
    _wait_until_settled(telling, entries=3)  # the reading has become an entry too
    copy = stage.folder / "copy"
    tampering.copy_store(stage.folder, copy)
    untouched = run("verify", "--config", str(copy / "lawgate.yaml"))
    telling.check(untouched.returncode == 0, f"the untouched copy does not verify: {untouched.stdout}")
    page.command("lawgate verify | tail -2", "\n".join(untouched.stdout.splitlines()[-2:]))
    change = tampering.change_one_byte(copy, telling.exchange)
    page.line()
    page.say("changed", f"entry {change.index}: {change.before} is now {change.after}")
    page.line()
    changed = run("verify", "--config", str(copy / "lawgate.yaml"))
    telling.check(changed.returncode == 1, f"lawgate verify did not notice: exit code {changed.returncode}")
    failed = [line for line in changed.stdout.splitlines() if not line.startswith("ok")]
    telling.check(any(line.startswith("FAILED") for line in failed), "lawgate verify names no check that failed")
    page.command("lawgate verify | grep -v ^ok", "\n".join(failed))


def _wait_until_settled(telling: Telling, entries: int) -> None:
    """The integrator gives entries their place in the tree, and signs it, a moment after they are durable."""
    for _ in range(round(_SETTLED_S / POLL_S)):
        if tampering.is_settled(telling.stage.folder, telling.exchange, entries):
            return
        time.sleep(POLL_S)
    telling.check(holds=False, otherwise=f"the log was not signed within {_SETTLED_S} s")
