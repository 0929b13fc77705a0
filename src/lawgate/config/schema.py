"""The configuration file as a schema: every key, its default and its meaning, listed here and nowhere else.

Rule 1: unknown keys are refused. Rule 2: nothing is converted silently (strict): text is text and a
number a number. Rule 3: what two keys mean together is checked in `meaning`, not here.
"""

import ast
from copy import deepcopy
from dataclasses import fields
from functools import cache
from inspect import cleandoc, getsource
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model

from lawgate.config import text
from lawgate.config.text import Texts, choices_schema, member_of, one_of
from lawgate.domain.decision import Outcome
from lawgate.domain.limits import Limits
from lawgate.domain.processing import LawfulBasis, Protocol, RecipientRole, RecordLevel, Safeguard
from lawgate.identify.algorithms import ALGORITHMS
from lawgate.identify.issuer import LEEWAY_S, LIFETIME_S_MAX

VERSION: Final = 1
OPERATORS: Final = ("redact", "replace", "mask", "hmac", "keep")
"""Also the names of the profiles that are always there."""
SPECIAL_CONDITIONS: Final = tuple(f"9-2-{letter}" for letter in "abcdefghij")
OPERATIONS: Final = (
    "chat.completions",
    "completions",
    "embeddings",
    "responses",
    "models.list",
    "models.retrieve",
    "generic",
)
"""What `wire` calls the calls; a rule on a name that no call has would protect nothing."""
UNDECLARED: Final = ("refuse", "record")
TIME_S_MAX: Final = 86_400
SIZE_B_MAX: Final = 4 * 1024**3
COUNT_MAX: Final = 1_000_000
"""No limit may be set so high that it is none."""
LEVELS: Final = ("debug", "info", "warning", "error")

Basis = Annotated[
    LawfulBasis, BeforeValidator(member_of(LawfulBasis)), choices_schema([item.value for item in LawfulBasis])
]
Role = Annotated[
    RecipientRole, BeforeValidator(member_of(RecipientRole)), choices_schema([item.value for item in RecipientRole])
]
Transfer = Annotated[
    Safeguard, BeforeValidator(member_of(Safeguard)), choices_schema([item.value for item in Safeguard])
]
Speaks = Annotated[Protocol, BeforeValidator(member_of(Protocol)), choices_schema([item.value for item in Protocol])]
Keeps = Annotated[
    RecordLevel, BeforeValidator(member_of(RecordLevel)), choices_schema([item.value for item in RecordLevel])
]
Then = Annotated[Outcome, BeforeValidator(member_of(Outcome)), choices_schema([item.value for item in Outcome])]
Operator = Annotated[str, BeforeValidator(one_of(OPERATORS)), choices_schema(OPERATORS)]
Condition9 = Annotated[str, BeforeValidator(one_of(SPECIAL_CONDITIONS)), choices_schema(SPECIAL_CONDITIONS)]
Undeclared = Annotated[str, BeforeValidator(one_of(UNDECLARED)), choices_schema(UNDECLARED)]
Operation = Annotated[str, BeforeValidator(one_of(OPERATIONS)), choices_schema(OPERATIONS)]
Level = Annotated[str, BeforeValidator(one_of(LEVELS)), choices_schema(LEVELS)]
Algorithm = Annotated[str, BeforeValidator(one_of(sorted(ALGORITHMS))), choices_schema(sorted(ALGORITHMS))]

Operations = Annotated[
    list[Operation],
    BeforeValidator(text.listed),
    WithJsonSchema({"anyOf": [{"enum": list(OPERATIONS)}, {"type": "array", "items": {"enum": list(OPERATIONS)}}]}),
]


class Section(BaseModel):
    """What all parts of the file have in common."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TlsSection(Section):
    certificate: text.FilePath = Field(description="PEM file with the certificate and its chain.")
    key: text.FilePath = Field(description="PEM file with the private key.")
    client_ca: text.FilePath | None = Field(
        default=None,
        description="PEM file; clients must then show a certificate that it signed. Default: none is asked for.",
    )


class ListenSection(Section):
    data: text.Address = Field(default="127.0.0.1:8443", description="Where clients send inference requests.")
    control: text.Address = Field(
        default="127.0.0.1:9443", description="Health, metrics and administration; expose it to operators only."
    )
    tls: TlsSection | None = Field(default=None, description="TLS 1.2 or later on the data port. Default: in clear.")


class StoreSection(Section):
    evidence: text.FilePath = Field(description="Directory of the evidence log.")
    keys: text.FilePath = Field(
        description="Directory of the keys. On another volume and in another backup than the evidence."
    )
    kek_file: text.FilePath | None = Field(
        default=None, description="The key-encryption key. Losing it loses the evidence. Default: `kek.json` in `keys`."
    )
    node: text.Node = Field(
        default="node-1", description="Name of this process in the log; unique among those that share it."
    )
    origin: text.Origin | None = Field(
        default=None, description="Name of the log in its checkpoints. Default: chosen when the store is created."
    )


class ControllerSection(Section):
    name: text.Text = Field(description="The controller (Art. 4(7) GDPR).")
    contact: text.Text = Field(description="How to reach the controller.")
    dpo: text.Text | None = Field(
        default=None, description="The data protection officer, where there is one (Art. 37)."
    )


class IssuerSection(Section):
    issuer: text.Issuer = Field(description="The `iss` of its tokens, character by character; keys are found from it.")
    audience: Texts = Field(description="The `aud` that tokens must hold; of several, one.")
    groups_claim: text.Text = Field(
        default="groups", description="Where the groups are: `realm_access.roles` for nested claims; a URL is one name."
    )
    name_claim: text.Text | None = Field(
        default=None, description="Claim to keep as the caller's name. Default: none, the subject is enough."
    )
    algorithms: list[Algorithm] = Field(
        default=sorted(ALGORITHMS), description="Signature algorithms that are accepted.", min_length=1
    )
    clients: Texts | None = Field(
        default=None, description="Values allowed in `azp` and `client_id`. Default: any client."
    )
    leeway_s: text.WholeSeconds = Field(default=LEEWAY_S, description="Clock difference that `exp` and `nbf` tolerate.")
    lifetime_s_max: text.WholeSeconds = Field(
        default=LIFETIME_S_MAX, description="Longest life of a token that is accepted."
    )
    accept_any_typ: bool = Field(
        default=False, description="Accept tokens that are not typed `at+jwt` (RFC 9068); some providers need it."
    )
    ca_file: text.FilePath | None = Field(default=None, description="PEM file to trust instead of the system's roots.")
    allow_cleartext: bool = Field(
        default=False, description="Fetch keys over http from another machine. For trials only."
    )


class RecipientSection(Section):
    name: text.Text = Field(description="Who receives the data.")
    role: Role = Field(description="What the recipient is towards the controller (Art. 4, 26, 28).")
    country: text.Country = Field(description="Where the recipient is, ISO 3166-1: DE.")
    contract: text.Text | None = Field(default=None, description="Reference of the contract (Art. 26, 28(3)).")
    safeguard: Transfer | None = Field(
        default=None, description="What allows a transfer outside the EEA (Art. 45 to 49); required there."
    )


class ConnectionSection(Section):
    protocol: Speaks = Field(description="What the upstream speaks; `generic` reads every string of any JSON.")
    upstream: text.Url = Field(description="Base address of its API, such as `https://llm.example/v1`.")
    recipient: RecipientSection = Field(description="Who stands behind the upstream.")
    credential: text.SecretReference | None = Field(
        default=None, description="The upstream's key: `env:NAME` or `file:/path`. Default: none is sent."
    )
    credential_header: text.FieldName = Field(default="authorization", description="Header field that carries the key.")
    credential_scheme: text.Text | None = Field(
        default=None, description="Word before the key. Default: `Bearer` in `authorization`, none elsewhere."
    )
    allow_not_inspected: list[text.ContentType] = Field(
        default=[], description="Content types that pass unread; each record that they touch says so."
    )
    cors_origins: list[text.WebOrigin] = Field(
        default=[], description="Web origins that browsers may call from. Default: none."
    )
    send_exchange_id: bool = Field(default=True, description="Tell the upstream the exchange id.")
    allow_cleartext: bool = Field(
        default=False, description="Allow http to another machine; on loopback it is always allowed."
    )
    ca_file: text.FilePath | None = Field(default=None, description="PEM file to trust instead of the system's roots.")
    pin_sha256: list[text.Pin] = Field(default=[], description="SHA-256 of the upstream's certificate; one must match.")
    client_certificate: text.FilePath | None = Field(default=None, description="PEM file to show to the upstream.")
    client_key: text.FilePath | None = Field(default=None, description="PEM file with its private key.")
    proxy: text.Url | None = Field(default=None, description="HTTP proxy that is reached by CONNECT.")


class AllowSection(Section):
    groups: Texts = Field(
        default=[], description="Groups whose members may use this purpose. Default: only API keys may."
    )
    connections: Texts = Field(description="Connections that serve this purpose.", min_length=1)


class DataSection(Section):
    subjects: Texts = Field(default=[], description="Categories of data subjects (Art. 30(1)(c)).")
    categories: Texts = Field(
        default=[], description="Categories of personal data; `health` and its kind need a condition."
    )


class RetentionSection(Section):
    content: text.Days = Field(default="30 days", validate_default=True, description="How long bodies are kept.")
    evidence: text.Days = Field(
        default="1 year", validate_default=True, description="How long the rest of a record is kept; at least as long."
    )


class PurposeMaskSection(Section):
    request: text.Text = Field(default="replace", description="Masking profile for what goes out.")
    answer: text.Text = Field(default="replace", description="Masking profile for what comes back.")


class PurposeSection(Section):
    title: text.Text = Field(description="The purpose in words, as it stands in the register (Art. 30).")
    allow: AllowSection = Field(description="Who may use this purpose, and where.")
    lawful_basis: Basis = Field(description="Art. 6(1) GDPR.")
    law: text.Text | None = Field(
        default=None, description="The provision; required for 6-1-c, 6-1-e, 9-2-b, -g, -h, -i, -j and criminal data."
    )
    assessment: text.Text | None = Field(default=None, description="The balancing test; required for 6-1-f.")
    data: DataSection = Field(default=DataSection(), description="What the purpose is declared to process.")
    special_categories: list[Condition9] = Field(
        default=[], description="Conditions of Art. 9(2) that the purpose rests on."
    )
    undeclared_special_category: Undeclared = Field(
        default="refuse", description="What happens to special categories that the purpose does not declare."
    )
    record: Keeps = Field(
        RecordLevel.FULL, description="`full`: everything; `masked`: no originals; `metadata`: no bodies."
    )
    retention: RetentionSection = Field(default=RetentionSection(), description="How long records are kept.")
    mask: PurposeMaskSection = Field(default=PurposeMaskSection(), description="How personal data is masked.")


class PatternSection(Section):
    name: text.Detector = Field(description="Name of the detector.")
    pattern: text.Text = Field(description="Regular expression of bounded length, without groups that refer back.")
    category: text.Text = Field(description="Category of data that it finds.")


class MaskingSection(Section):
    profiles: dict[str, dict[str, Operator]] = Field(
        default={},
        description="Operator of each detector; `default` for the others. One profile for each operator exists.",
    )
    detectors: list[PatternSection] = Field(default=[], description="Detectors of your own.")


class IfSection(Section):
    risk_at_least: int | None = Field(default=None, ge=0, le=1000, description="The risk score is at least this.")
    detectors: Texts = Field(default=[], description="One of these found something.")
    connections: Texts = Field(default=[], description="The request goes to one of these.")
    purposes: Texts = Field(default=[], description="It serves one of these.")
    groups: Texts = Field(default=[], description="The caller is in one of these.")
    operations: Operations = Field(default=[], description="It is one of these calls; `generic` is any other path.")
    models: Texts = Field(default=[], description="It asks for one of these models; `gpt-4*` for those that begin so.")
    recipient_outside_eea: bool | None = Field(default=None, description="The recipient is outside the EEA, or not.")
    not_inspected: bool | None = Field(default=None, description="Some of it passes unread, or none.")
    stream: bool | None = Field(default=None, description="It asks for a stream, or not.")
    tools: bool | None = Field(default=None, description="It offers tools to the model, or not.")


class ApproversSection(Section):
    groups: Texts = Field(description="Groups whose members may release the hold.", min_length=1)
    quorum: int = Field(default=1, ge=1, le=20, description="How many different people it takes.")


class RuleSection(Section):
    name: text.Text = Field(description="Stands in each record that the rule touches.")
    condition: IfSection = Field(alias="if", description="All of these must hold; of a list, any.")
    then: Then = Field(description="Refuse beats hold beats permit; `permit` is only recorded.")
    message: text.Text | None = Field(default=None, description="What the caller is told.")
    approvers: ApproversSection | None = Field(default=None, description="Who may release what is held.")


class LoggingSection(Section):
    level: Level = Field(default="info", description="The least severe messages that are logged.")


def _limits_section() -> type[Section]:
    """`domain.limits.Limits` as a section, field by field."""
    members: dict[str, Any] = {}
    for limit in fields(Limits):
        words = limit.name.split("_")
        kind: tuple[Any, int] = (int, COUNT_MAX)
        if "s" in words:
            kind = (text.Seconds, TIME_S_MAX)
        elif "b" in words:
            kind = (text.Size, SIZE_B_MAX)
        members[limit.name] = (kind[0], Field(limit.default, gt=0, le=kind[1]))
    return create_model("LimitsSection", __base__=Section, **members)


if TYPE_CHECKING:

    class LimitsSection(Section):
        """What `_limits_section` makes; its fields are those of `Limits`."""

else:
    LimitsSection = _limits_section()


class FileSection(Section):
    """The whole file."""

    version: int = Field(ge=VERSION, le=VERSION, description="Version of this format.")
    listen: ListenSection = Field(default=ListenSection(), description="Where Lawgate listens.")
    store: StoreSection = Field(description="Where the evidence and its keys are.")
    controller: ControllerSection = Field(description="Who is responsible for the processing.")
    identity: list[IssuerSection] = Field(
        default=[], description="Issuers of tokens. Default: none, only API keys work."
    )
    connections: dict[str, ConnectionSection] = Field(
        description="Upstream inference APIs, by the first segment of the path that clients use.", min_length=1
    )
    purposes: dict[str, PurposeSection] = Field(description="Why data may be processed.", min_length=1)
    masking: MaskingSection = Field(default=MaskingSection(), description="How personal data is found and masked.")
    rules: list[RuleSection] = Field(default=[], description="What restricts the purposes further.")
    observe: text.Until | None = Field(
        default=None, description="Until this date (UTC) rules report without acting. Default: they act."
    )
    limits: LimitsSection = Field(default=LimitsSection(), description="Bounds of the data plane.")
    logging: LoggingSection = Field(default=LoggingSection(), description="Lawgate's own log lines.")


def config_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the file, for editors; the same for the same version of Lawgate."""
    return deepcopy(schema_tree())


@cache
def schema_tree() -> dict[str, Any]:
    """The same, for reading only."""
    schema = FileSection.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Lawgate configuration"
    limits = schema["$defs"]["LimitsSection"]["properties"]
    for name, meaning in _limit_meanings().items():
        limits[name]["description"] = meaning
    return schema


def _limit_meanings() -> dict[str, str]:
    """The docstring under each field of `Limits`, which states its meaning and its precedent."""
    body = next(node for node in ast.walk(ast.parse(getsource(Limits))) if isinstance(node, ast.ClassDef)).body
    meanings = {}
    for field, text_below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            stated = text_below.value if isinstance(text_below, ast.Expr) else None
            if isinstance(stated, ast.Constant) and isinstance(stated.value, str):
                meanings[field.target.id] = " ".join(cleandoc(stated.value).split())
    return meanings
