"""Texts made of what trips detectors up: shared by the property tests of masking."""

from hypothesis import strategies as st

IDENTIFIERS = (
    "anna@example.org", "a@b.co", "o'brien.x@mail.example.ie", "张三@例子.公司", "jürgen@müller.de",
    "4111111111111111",
    "4111 1111 1111 1111", "3782-822463-10005", "6011 1111\n1111 1117", "DE89370400440532013000",
    "GB82 WEST 1234 5698 7654 32", "gb82 west 1234 5698 7654 32", "de89 3704 0044 0532 0130 00", "192.0.2.146",
    "nl91 abna 0417 1643 00",
    "10.0.0.1", "2001:db8::8a2e:370:7334", "fe80::1%eth0", "::ffff:192.0.2.128", "536-22-1234", "536 22 1234",
    "536221234", "+49 30 1234567", "+12125550123", "(212) 555-0123", "212-555-0123 ext. 12",
    "0033 1 99 00 12 34",
    "030 1234567", "0171/1234567", "06 12 34 56 78", "2024-01-15", "10:30:45", "1.3.6.1.4.1.311",
    "1234567890123456",
)  # fmt: skip
FRAGMENTS = (
    "0", "1", "4", "41", "111", "1111", "2024", "555", "00", "49", "+", "(", ")", "(0)", "@", "@@",
    ":", "::", ".",
    "..", "-", "--", "/", " ", "  ", "    ", "\n", "\r\n", "\t", ",", ", ", ";", "'", "_", "%",
    "*", "****", "<", ">", "[",
    "]", "a", "ab", "abc", "A", "AB", "DE", "gb82", "GB82", "WEST", "west", "ex", "ext", "ext.",
    "x", "X1", "xt 5", "e", "é",
    "ß", "ш", "中", "文", "。", "“", "…", "\u00a0", "\u202f", "\u2011", "\u00ad", "\u200b",
    "\u200b\u200b\u200b\u200b\u200b",
    "\ufeff", "\uff14\uff11", "\uff20", "\u0661\u0662\u0663", "🙂", "phone", "Tel. ", "tel:",
    "Telefon ", "card ",
    "ssn ", "SSN: ", "电话", "IBAN ", "com", ".com", "@x.org", "example.org", "<EMAIL>", "<PHONE>",
    "[REDACTED]", "****1111",
    "EMAIL_bcdfghjklmnpqrstbcdf", "v1.2.3.4", "std::vector", "e29b-41d4-a716", "the quick ", "und ",
    " or ", "Next ",
)  # fmt: skip

pieces = st.one_of(st.sampled_from(IDENTIFIERS), st.sampled_from(FRAGMENTS), st.sampled_from(FRAGMENTS))
texts = st.lists(pieces, max_size=14).map("".join)
long_texts = st.lists(
    st.one_of(pieces, st.tuples(st.sampled_from(FRAGMENTS), st.integers(1, 300)).map(lambda one: one[0] * one[1])),
    max_size=10,
).map("".join)
keys = st.sampled_from([None, "phone", "ssn", "card_number", "note", "Phone-Number2"])

apart = st.lists(
    st.tuples(
        pieces, st.sampled_from([" ", ", ", ".", "-", ":", "/", "(", "\n", "  ", "; ", " - ", "+", "*", "'"])
    ).map("".join),
    max_size=14,
).map("".join)
"""Identifiers that stand apart, if only by a sign."""
