"""Finds spans of personal data in a text.

Rule 1: anchors and shapes only guess where a form may match; the form decides, on the text itself, so
        that the engine and the plain patterns find the same (a property test holds them equal).
Rule 2: overlapping spans are resolved from left to right: the leftmost, then the longest, then the
        detector that comes first in the table. What a later one holds beyond the earlier is a span
        too: no character that any detector found is ever left in clear.
Rule 3: weak forms, which need context, take only what strong forms leave.
Rule 4: what begins at a place depends on ``BEFORE_MAX`` characters before it and ``reach`` after it.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final

from lawgate.domain.message import Span
from lawgate.mask.custom import CustomDetector, custom_detector, held_characters
from lawgate.mask.detectors import BY_NAME, DETECTORS, EMAIL_DOMAIN, EMAIL_LEFT, EMAIL_LOCAL
from lawgate.mask.form import CONTEXT_REACH, LOOK_AHEAD, Anchor, Context, Detector, Form, window_start
from lawgate.mask.normalise import INVISIBLE_RUN_MAX, UNSPACED, alphanumeric, plain
from lawgate.mask.operators import OPERATORS, PSEUDONYM_LENGTH, PSEUDONYM_LETTERS, REDACTED, apply_operator
from lawgate.mask.shapes import DigitForms, shape
from lawgate.mask.sync import SyncPoints

VERSION: Final = 1
"""Of the engine's behaviour; in the digest, so that a record says what looked at its text."""

REPLACEMENT_LENGTH_MAX: Final = 96
BEFORE_MAX: Final = (CONTEXT_REACH + REPLACEMENT_LENGTH_MAX) * (INVISIBLE_RUN_MAX + 1)
"""Characters of left context that can matter."""

_DOMAIN: Final = re.compile(EMAIL_DOMAIN)
_LOCAL_PART: Final = re.compile(rf"{EMAIL_LEFT}{EMAIL_LOCAL}\Z")
_LOCAL_MAX: Final = 64
"""What stands left of an ``@``, no space in it, and how long it may be."""
_UNSPACED_PART: Final = re.compile(rf"[{UNSPACED}]{{1,32}}\Z")
_UNSPACED_MAX: Final = 32
"""The same for the other form of an e-mail address."""
_MISSES: Final = 4
_CLEARED: Final = 1000
"""After so many numbers without context, context is looked for in a long stretch at once."""
_COLONS: Final = re.compile(rb":[0Aa]{0,4}:")
_COUNTRY: Final = re.compile(rb"0(?<=AA0|aa0)0")
"""The digits of an IBAN's beginning (a digit first, so that text without digits is skipped by ``memchr``)."""
_SMALL: Final = ord("a")
_HEXADECIMAL_OR_COLON: Final = frozenset("0123456789abcdefABCDEF:")
_IPV6_MAX: Final = 45
_MAY_BE_REPLACEMENT: Final = re.compile(r"[>\]*_]")
_LEFT_OVER: Final = " .-/()\r\n"

ANCHORS: Final = re.compile(
    r"[0-9@:\\\x00\x01\x80-\U0010ffff](?:(?<=[^0-9:])|(?<=[0-9])[0-9 \r\n.\-/()]{6}|(?<=[A-Za-z]{2}[0-9])[0-9]"
    r"|(?<=:)[0-9A-Za-z]{0,4}:)"
)
"""A text (or the raw inside of a JSON string) without any of this holds nothing that a built-in form finds.

A sign, a row of digits as in ``shapes``, an IBAN's beginning, two colons near each other, or anything that
may turn out to be one of them: an escape, a character outside ASCII."""

Candidate = tuple[int, int, int, bool]
"""(start, minus end, detector's place in the table, weak): sorts as rule 2 says."""


class _Form:
    """A form, compiled, with what its detector says about context."""

    __slots__ = ("_left", "_match", "_right", "context", "keys", "order", "valid", "width")

    def __init__(self, form: Form, order: int, context: Context | None, keys: frozenset[str]) -> None:
        self._left = re.compile(form.left).match if form.left else None
        self._match = re.compile(form.pattern).match
        self._right = re.compile(form.right).match if form.right else None
        self.valid = form.valid
        self.width = form.width
        self.order = order
        self.context = context
        self.keys = keys

    def may_begin(self, text: str, start: int) -> bool:
        """The cheap part of ``end``, for forms whose context is looked at in between."""
        return (self._left is None or self._left(text, start) is not None) and self._match(text, start) is not None

    def end(self, text: str, start: int, limit: int) -> int:
        """Where the longest valid match at ``start`` ends, at ``limit`` or before; 0 if there is none."""
        right, valid = self._right, self.valid
        match = self._match(text, start, min(limit, start + self.width))
        while match is not None:
            end = match.end()
            if (right is None or right(text, end)) and (valid is None or valid(text[start:end])):
                return end
            match = self._match(text, start, end - 1)
        return 0

    def propose(self, found: list[Candidate], text: str, start: int) -> None:
        """Add the span that begins at ``start``, if there is one; for forms that need no context."""
        if self._left is None or self._left(text, start) is not None:
            end = self.end(text, start, len(text))
            if end:
                found.append((start, -end, self.order, False))


class Detection:
    """The detectors in use, compiled. Build it with ``compile_detection``."""

    __slots__ = (
        "_at", "_colons", "_country", "_custom", "_digit_forms", "_digits", "_names", "_replacement", "digest",
        "reach", "sync",
    )  # fmt: skip

    def __init__(self, detectors: Sequence[Detector], digest: str, held: Iterable[str]) -> None:
        self._names = tuple(detector.name for detector in detectors)
        by_anchor: dict[Anchor, list[tuple[Form, _Form]]] = {anchor: [] for anchor in Anchor}
        for order, detector in enumerate(detectors):
            context = Context(word for words in detector.words.values() for word in words)
            for form in detector.forms:
                compiled = _Form(form, order, context if form.context else None, detector.keys)
                by_anchor[form.anchor].append((form, compiled))
        self._at = tuple(form for _, form in by_anchor[Anchor.AT])
        self._colons = tuple(form for _, form in by_anchor[Anchor.COLONS])
        self._country = tuple(form for _, form in by_anchor[Anchor.COUNTRY])
        self._digits = tuple(form for _, form in by_anchor[Anchor.DIGITS])
        self._digit_forms = DigitForms(
            [form.pattern for form, _ in by_anchor[Anchor.DIGITS]],
            max((form.width for form in self._digits), default=0),
        )
        self._custom = tuple(
            (re.compile(form.left + form.pattern + form.right), compiled.order)
            for form, compiled in by_anchor[Anchor.NONE]
        )
        self._replacement = _replacement_pattern(self._names)
        self.digest = digest
        """SHA-256 (hexadecimal) over the definitions of the detectors."""
        strong = max((detector.width_max for detector in detectors), default=0)
        weak = max((detector.width_weak_max for detector in detectors), default=0)
        self.reach = strong + weak + LOOK_AHEAD
        """Characters of plain text right of a start that decide whether there is a span."""
        self.sync = SyncPoints(held)

    @property
    def names(self) -> tuple[str, ...]:
        """The detectors, in the order that decides between equal spans."""
        return self._names

    @property
    def has_custom(self) -> bool:
        """There are detectors that no anchor is known for."""
        return bool(self._custom)

    def find(self, text: str, *, key: str | None = None, before: str = "") -> list[Span]:
        """The spans of ``text``: ascending, none overlapping another.

        ``before`` is what stands left of the text: it gives context and is not searched. ``key`` is the
        name of the JSON member that holds the text; it is context as well.
        """
        candidates = self.candidates(text, key=key, before=before)
        if len(candidates) > 1:
            return self.resolve(text, candidates, 0)
        return [Span(start, -minus_end, self._names[order]) for start, minus_end, order, _ in candidates]

    def resolve(self, text: str, candidates: list[Candidate], floor: int) -> list[Span]:
        """Spans without overlaps (rule 2) from ``floor`` on."""
        spans: list[Span] = []
        for start, minus_end, order, _ in sorted(candidates):
            at, end = max(start, floor), -minus_end
            if end <= floor:
                continue
            if at > start:
                while text[at] in _LEFT_OVER:
                    at += 1
            spans.append(Span(at, end, self._names[order]))
            floor = end
        return spans

    def candidates(self, text: str, *, key: str | None = None, before: str = "", taken: int = 0) -> list[Candidate]:
        """Every span that a detector proposes, overlapping or not, in no order.

        ``text[:taken]`` is held by a strong form's span that begins in ``before``.
        """
        if not before and text.isascii():
            return self._found(text, 0, taken, key)
        first = 0
        if before:
            before = before[-BEFORE_MAX:]
            first = len(before)
            text = before + text
        plain_text, places = plain(text)
        taken += first
        if places is not None:
            first, taken = bisect_left(places, first), bisect_left(places, taken)
        found = self._found(plain_text, first, taken, key)
        if not found:
            return found
        shift = len(before)
        if places is None:
            return found if not shift else [(one[0] - shift, one[1] + shift, one[2], one[3]) for one in found]
        return [(places[one[0]] - shift, shift - places[-one[1] - 1] - 1, one[2], one[3]) for one in found]

    def _found(self, text: str, first: int, taken: int, key: str | None) -> list[Candidate]:
        found: list[Candidate] = []
        weak: list[tuple[int, _Form]] = []
        text_shape = shape(text)
        if self._at and (at := text.find("@", first)) >= 0:
            self._emails(found, text, at, first)
        if text_shape.find(b"0", first) >= 0:
            weak = self._numbers(found, text, text_shape, first)
        if self._colons and text.find(":", first) >= 0:
            for start, form in self._colon_starts(text, text_shape, first):
                form.propose(found, text, start)
        for pattern, order in self._custom:
            found += _custom_matches(pattern, order, text, first)
        if weak:
            self._try_weak(found, text, weak, taken, key)
        return found

    def _numbers(self, found: list[Candidate], text: str, text_shape: bytes, first: int) -> list[tuple[int, _Form]]:
        """Propose what begins with digits and needs no context; returns where the other forms may begin."""
        weak: list[tuple[int, _Form]] = []
        for start, number in self._digit_forms.starts(text_shape, first):
            form = self._digits[number]
            if form.context is not None:
                weak.append((start, form))
            else:
                form.propose(found, text, start)
        for match in _COUNTRY.finditer(text_shape, first) if self._country else ():
            start = match.start() - 2
            if start >= first:
                self._country[text_shape[start] == _SMALL].propose(found, text, start)
        return weak

    def _try_weak(
        self, found: list[Candidate], text: str, starts: list[tuple[int, _Form]], taken: int, key: str | None
    ) -> None:
        """Weak forms take only what lies between strong spans; ``starts`` ascend."""
        strong = sorted(found)
        position = misses = 0
        clear: dict[int, int] = {}
        for start, form in starts:
            while position < len(strong) and strong[position][0] <= start:
                taken = max(taken, -strong[position][1])
                position += 1
            if start < taken or start <= clear.get(form.order, -1) or not form.may_begin(text, start):
                continue
            if not self._in_context(form, text, start, key):
                misses += 1
                if misses > _MISSES and form.context and not form.context.confirms(text[start : start + _CLEARED]):
                    clear[form.order] = start + _CLEARED - CONTEXT_REACH
                continue
            end = form.end(text, start, strong[position][0] if position < len(strong) else len(text))
            if end:
                found.append((start, -end, form.order, True))

    def _in_context(self, form: _Form, text: str, start: int, key: str | None) -> bool:
        if key is not None and alphanumeric(key).rstrip("0123456789") in form.keys:
            return True
        begin = window_start(text, max(0, start - CONTEXT_REACH), start)
        if _MAY_BE_REPLACEMENT.search(text, max(0, begin - PSEUDONYM_LENGTH - 1), start):
            begin = self._behind_replacements(text, begin, start)
        return form.context is not None and form.context.confirms(text[begin:start])

    def _behind_replacements(self, text: str, begin: int, end: int) -> int:
        """Context does not reach over a span that was masked before: the span may have been longer."""
        for match in self._replacement.finditer(text, max(0, begin - REPLACEMENT_LENGTH_MAX), end):
            begin = max(begin, match.end())
        return begin

    def _emails(self, found: list[Candidate], text: str, at: int, first: int) -> None:
        while at >= 0:
            if _DOMAIN.match(text, at):
                begin = max(first, at - _LOCAL_MAX)
                match = _LOCAL_PART.search(text, max(begin, text.rfind(" ", begin, at) + 1), at)
                if match:
                    self._at[0].propose(found, text, match.start())
                if at > first and not text[at - 1].isascii():
                    match = _UNSPACED_PART.search(text, max(first, at - _UNSPACED_MAX), at)
                    if match:
                        self._at[1].propose(found, text, match.start())
            at = text.find("@", at + 1)

    def _colon_starts(self, text: str, text_shape: bytes, first: int) -> Iterator[tuple[int, _Form]]:
        done = first
        for match in _COLONS.finditer(text_shape, first):
            start = match.start()
            if start < done:
                continue
            lowest = max(done, start - _IPV6_MAX)
            while start > lowest and text[start - 1] in _HEXADECIMAL_OR_COLON:
                start -= 1
            done = match.end()
            for form in self._colons:
                yield start, form


def compile_detection(names: Iterable[str] | None = None, custom: Sequence[CustomDetector] = ()) -> Detection:
    """Detectors ready to use: the built-in ones called ``names`` (``None``: all of them) and ``custom`` ones.

    Raises ``ValueError`` for a name that is not built in, a name used twice, and a pattern that is not
    bounded or that finds what operators leave.
    """
    wanted = set(BY_NAME) if names is None else set(names)
    if unknown := sorted(wanted - set(BY_NAME)):
        raise ValueError(f"detector {unknown[0]!r} is not built in; there are {', '.join(BY_NAME)}")
    detectors = [detector for detector in DETECTORS if detector.name in wanted]
    held: list[str] = []
    for one in custom:
        if one.name in BY_NAME or any(one.name == detector.name for detector in detectors):
            raise ValueError(f"detector {one.name!r} exists already; choose another name")
        try:
            detectors.append(custom_detector(one))
            held += held_characters(one.pattern)
        except ValueError as error:
            raise ValueError(f"detector {one.name}: {error}") from None
    detection = Detection(detectors, _digest(detectors), dict.fromkeys(held))
    _refuse_what_finds_replacements(detection, custom)
    return detection


def _refuse_what_finds_replacements(detection: Detection, custom: Sequence[CustomDetector]) -> None:
    for name in detection.names if custom else ():
        for operator in sorted(OPERATORS - {"keep"}):
            left = apply_operator(operator, name, "Anna.B@example.com 192.0.2.1 4111111111111111", b"k" * 32)
            if spans := detection.find(left):
                raise ValueError(
                    f"detector {spans[0].detector} finds {left!r}, which is what masking leaves; narrow it"
                )


def _digest(detectors: Sequence[Detector]) -> str:
    lines = [f"lawgate detection {VERSION}"]
    for detector in detectors:
        words = [f"{language}={','.join(words)}" for language, words in sorted(detector.words.items())]
        lines.append(repr((detector.name, detector.category, detector.score, words, sorted(detector.keys))))
        lines += [
            repr((form.anchor.value, form.pattern, form.width, form.left, form.right, form.context))
            + (form.valid.__name__ if form.valid else "")
            for form in detector.forms
        ]
    return sha256("\n".join(lines).encode()).hexdigest()


def _replacement_pattern(names: Sequence[str]) -> re.Pattern[str]:
    """What operators leave, but for ``keep``."""
    any_name = "|".join(map(re.escape, names)) or "(?!)"
    return re.compile(
        rf"<(?:{any_name})>|{re.escape(REDACTED)}|\*{{3}}"
        rf"|(?:{any_name})_[{PSEUDONYM_LETTERS}]{{{PSEUDONYM_LENGTH}}}"
    )


def _custom_matches(pattern: re.Pattern[str], order: int, text: str, first: int) -> Iterator[Candidate]:
    match = pattern.search(text, first)
    while match is not None:
        yield match.start(), -match.end(), order, False
        match = pattern.search(text, match.start() + 1)
