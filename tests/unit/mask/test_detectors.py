"""The table, and every trap that a detector once fell into or must not fall into."""

import re
from pathlib import Path

import pytest

from lawgate.domain.message import Span
from lawgate.mask.detectors import BY_NAME, DETECTORS, NAMES
from lawgate.mask.engine import compile_detection

CORPUS = Path(__file__).parents[2] / "corpus"
MARKED = re.compile(r"⟦([A-Z_0-9]+) ([^⟧]*)⟧")
DETECTION = compile_detection()


def found(text: str, key: str | None = None) -> list[tuple[str, str]]:
    return [(span.detector, text[span.start : span.end]) for span in DETECTION.find(text, key=key)]


def unmarked(line: str) -> tuple[str, list[Span]]:
    text, spans, at = "", [], 0
    for match in MARKED.finditer(line):
        text += line[at : match.start()]
        spans.append(Span(len(text), len(text) + len(match[2]), match[1]))
        text += match[2]
        at = match.end()
    return text + line[at:], spans


PERSONAL = (CORPUS / "personal.txt").read_text(encoding="utf-8").splitlines()
TECHNICAL = (CORPUS / "technical.txt").read_text(encoding="utf-8")


def test_the_table_is_complete() -> None:
    assert {"EMAIL", "PHONE", "IBAN", "PAYMENT_CARD", "IPV4", "IPV6", "US_SSN"} == NAMES == set(BY_NAME)
    assert all(0 < detector.score <= 1 and detector.category and detector.examples for detector in DETECTORS)
    assert [
        detector.name for detector in DETECTORS if any(form.context for form in detector.forms) and not detector.words
    ] == []


@pytest.mark.parametrize(("name", "example"), [(one.name, example) for one in DETECTORS for example in one.examples])
def test_examples_are_found_whole(name: str, example: str) -> None:
    assert found(f"so {example}, and") == [(name, example)]
    assert found(example) == [(name, example)]


@pytest.mark.parametrize("line", PERSONAL, ids=range(len(PERSONAL)))
def test_the_corpus_is_found(line: str) -> None:
    text, spans = unmarked(line.partition("\t")[2].replace("⏎", "\n"))
    assert spans
    assert DETECTION.find(text) == spans


def test_the_technical_text_raises_no_alarm() -> None:
    assert found(TECHNICAL) == []
    assert [found(line) for line in TECHNICAL.splitlines() if found(line)] == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<bob@example.com>", "bob@example.com"),
        ("mail bob@example.com.", "bob@example.com"),
        ("......bob@example.com", "bob@example.com"),
        ("'bob@example.com'", "bob@example.com"),
        ("email=bob@example.com&x=1", "bob@example.com"),
        ("иван@почта.рф!", "иван@почта.рф"),
        ("bob＠example．com", "bob＠example．com"),
        ("bo\u200bb@exam\u00adple.com", "bo\u200bb@exam\u00adple.com"),
        ("user@xn--e1afmkfd.xn--p1ai", "user@xn--e1afmkfd.xn--p1ai"),
        ("mailto:_x_@a-b.example?subject=hi", "_x_@a-b.example"),
        ("bob@example.com4111111111111111", "bob@example.com4111111111111111"),
    ],
)
def test_emails(text: str, value: str) -> None:
    assert found(text) == [("EMAIL", value)]


@pytest.mark.parametrize(
    "text", ["bob@localhost", "@anna", "a @ b.com", "react@18.2.0", "icon@2x.png", "a@b.c", "x@.com", "%@%.x"]
)
def test_what_is_no_email(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4111-1111-1111-1111", "4111-1111-1111-1111"),
        ("x: 4111.1111.1111.1111;", "4111.1111.1111.1111"),
        ("4111 1111\r\n1111 1111", "4111 1111\r\n1111 1111"),
        ("visa4111111111111111", "4111111111111111"),
        ("卡号4111111111111111是", "4111111111111111"),
        ("scan_4111111111111111.pdf", "4111111111111111"),
        ("3056 930902 5904", "3056 930902 5904"),
        ("4111\u20111111\u00a01111\u202f1111", "4111\u20111111\u00a01111\u202f1111"),
        ("4\u200b1\u200b1\u200b1111111111111", "4\u200b1\u200b1\u200b1111111111111"),
        ("my card: 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
        ("4111 1111 1111 1111 12/27 123", "4111 1111 1111 1111"),
    ],
)
def test_payment_cards(text: str, value: str) -> None:
    assert found(text) == [("PAYMENT_CARD", value)]


@pytest.mark.parametrize(
    "text",
    ["4111111111111112", "14111111111111111", "a4111111111111111f", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
     "2014111111111111",     "4111\t1111\t1111\t1111", "0x4111111111111111ab"],
)  # fmt: skip
def test_what_is_no_payment_card(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("DE89 3704 0044 0532 0130 00.", "DE89 3704 0044 0532 0130 00"),
        ("DE89-3704-0044-0532-0130-00", "DE89-3704-0044-0532-0130-00"),
        ("de89370400440532013000", "de89370400440532013000"),
        ("IBANDE89370400440532013000", "DE89370400440532013000"),
        ("NL91ABNA0417164300x"[:-1], "NL91ABNA0417164300"),
        ("FR14 20041 01005 0500013M026 06", "FR14 20041 01005 0500013M026 06"),
    ],
)
def test_ibans(text: str, value: str) -> None:
    assert found(text) == [("IBAN", value)]


@pytest.mark.parametrize(
    "text",
    ["DE89 3704 0044 0532 0130 01", "DE893704004405320130001", "De89370400440532013000", "1DE89370400440532013000"],
)
def test_what_is_no_iban(text: str) -> None:
    assert [one for one in found(text) if one[0] == "IBAN"] == []


@pytest.mark.parametrize(
    ("text", "detector", "value"),
    [
        ("http://192.0.2.1:80/x", "IPV4", "192.0.2.1"),
        ("10.1.2.3/24", "IPV4", "10.1.2.3"),
        ("It is 192.0.2.1.", "IPV4", "192.0.2.1"),
        ("１９２.0.2.1", "IPV4", "１９２.0.2.1"),
        ("[2001:db8::1]:443", "IPV6", "2001:db8::1"),
        ("2001:DB8::1/64", "IPV6", "2001:DB8::1"),
        ("at 2001:db8::1: ok", "IPV6", "2001:db8::1"),
        ("fe80::1%en0, ", "IPV6", "fe80::1%en0"),
        ("::ffff:192.0.2.128", "IPV6", "::ffff:192.0.2.128"),
    ],
)
def test_addresses(text: str, detector: str, value: str) -> None:
    assert found(text) == [(detector, value)]


@pytest.mark.parametrize(
    "text",
    ["v1.2.3.4", "1.2.3.4.5", "1.2.3.4567", "300.1.1.1", "std::vector", "a::b", "x[1::2]", "10:30:45",
     "12:34:56:78:9a:bc",     "d:\\x", "Foo::Bar::baz1()", "127.0.0.1", "::1", "::"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("536-22-1234", None, "536-22-1234"),
        ("SSN536-22-1234", None, "536-22-1234"),
        ("536‑22‑1234", None, "536‑22‑1234"),
        ("ssn 536 22 1234", None, "536 22 1234"),
        ("536221234", "ssn", "536221234"),
        ("536221234", "Social_Security_Number", "536221234"),
        ("536221234", "ssn2", "536221234"),
    ],
)
def test_us_social_security_numbers(text: str, key: str | None, value: str) -> None:
    assert found(text, key) == [("US_SSN", value)]


@pytest.mark.parametrize(
    "text", ["536221234", "536 22 1234", "666-22-1234", "1536-22-1234", "536-22-12345", "536-2-1234", "lessn 536221234"]
)
def test_what_is_no_us_social_security_number(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("tel+493023125001", None, "+493023125001"),
        ("+49 (0) 30 / 23125-001", None, "+49 (0) 30 / 23125-001"),
        ("(+49) 30 23125 001", None, "(+49) 30 23125 001"),
        ("+49\u00a030\u202f23125\u2011001", None, "+49\u00a030\u202f23125\u2011001"),
        ("0049 30 23125001", None, "0049 30 23125001"),
        ("1-800-555-0199", None, "1-800-555-0199"),
        ("(212)555-0123", None, "(212)555-0123"),
        ("212.555.0123", None, "212.555.0123"),
        ("212-555-0123 ext. 12", None, "212-555-0123 ext. 12"),
        ("212-555-0123x12", None, "212-555-0123x12"),
        ("Telefon: 030 23125-001", None, "030 23125-001"),
        ("Tel.030/23125001", None, "030/23125001"),
        ("my number, phone 2125550123", None, "2125550123"),
        ("2125550123", "phone", "2125550123"),
        ("2125550123", "mobileNumber", "2125550123"),
        ("030 23125001", "Phone 2", "030 23125001"),
        ("<phone>03023125001</phone>", None, "03023125001"),
    ],
)
def test_phones(text: str, key: str | None, value: str) -> None:
    assert found(text, key) == [("PHONE", value)]


@pytest.mark.parametrize(
    "text",
    ["2125550123", "030 23125001", "phone call on 2024-01-15 at 10:30", "Tel. am 15.01.2024 10:30",
     "phone bill 1234567.50",     "phones 2019-2023", "headphone 1234567", "phone 20240115",
     "+1 202 555 014", "a+1234567",
     "fax " + "x" * 60 + " 1234567"],
)  # fmt: skip
def test_what_is_no_phone(text: str) -> None:
    assert found(text) == []


def test_a_number_of_two_detectors_goes_to_the_first_of_the_table() -> None:
    assert found("phone 536-22-1234") == [("US_SSN", "536-22-1234")]
    assert found("phone 192.168.10.25") == [("IPV4", "192.168.10.25")]


def test_numbers_next_to_each_other_are_told_apart() -> None:
    assert found("phone +49 30 1234567 4111 1111 1111 1111") == [
        ("PHONE", "+49 30 1234567"),
        ("PAYMENT_CARD", "4111 1111 1111 1111"),
    ]


def test_what_overlaps_is_masked_to_its_end() -> None:
    assert found("a@b.co@c.de") == [("EMAIL", "a@b.co"), ("EMAIL", "@c.de")]
    assert found("4111111111111111+49 30 1234567") == [
        ("PAYMENT_CARD", "4111111111111111"),
        ("PHONE", "+49 30 1234567"),
    ]
    assert found("a@b.co(212) 555-0123") == [("EMAIL", "a@b.co"), ("PHONE", "(212) 555-0123")]
