"""The shape of a text: one byte a character, with every digit alike, so that rows of digits are few.

Rule 1: a shape holds no personal data, so what was learnt from it may be kept.
Rule 2: a **chain** is a run of digits and separators. No span of a digit form leaves its chain, but for
        signs before the first digit (``SIGNS``) and an extension. That is why chains can be looked at
        one by one.
"""

import re
from collections.abc import Sequence
from typing import Final

from lawgate.mask.form import shape_pattern

OTHER: Final = ord("|")
_DIGIT: Final = ord("0")
SIGNS: Final = b"+("
SIGNS_MAX: Final = 3

_CHAIN_LENGTH_MIN: Final = 7
"""Characters of the shortest span of digits, ``1.1.1.1``."""
_CHAIN: Final = re.compile(rb"0[0 \n.\-/()]{%d,}+" % (_CHAIN_LENGTH_MIN - 1))
"""Possessive, and a digit first, so that text without digits is skipped by ``memchr``."""
_CACHED_LENGTH_MAX: Final = 96
_CACHE_SIZE: Final = 4096
"""When full, a cache starts afresh: hostile shapes must not keep ordinary ones out."""


def _table() -> bytes:
    table = bytearray([OTHER]) * 256
    for character in b"0123456789":
        table[character] = ord("0")
    for character in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        table[character] = ord("A")
        table[character + 32] = ord("a")
    for character in b" \n.-/()+:":
        table[character] = character
    table[ord("\r")] = ord("\n")
    return bytes(table)


_TABLE: Final = _table()


def shape(text: str) -> bytes:
    """The shape of a plain text; equal in length."""
    return text.encode("latin-1", "replace").translate(_TABLE)


class DigitForms:
    """Where in a shape the forms that are made of digits may begin.

    ``patterns`` are the forms' patterns, ``width`` the longest of them in characters.
    """

    __slots__ = ("_chains", "_patterns", "_tails", "_width")

    def __init__(self, patterns: Sequence[str], width: int) -> None:
        self._patterns = tuple(re.compile(shape_pattern(pattern).encode("ascii")) for pattern in patterns)
        self._width = width
        self._chains: dict[bytes, tuple[tuple[int, int], ...]] = {}
        self._tails: dict[bytes, tuple[int, ...]] = {}

    def starts(self, text_shape: bytes, first: int) -> list[tuple[int, int]]:
        """(offset, number of the form) of every place from ``first`` on where a form may begin."""
        found: list[tuple[int, int]] = []
        for chain in _CHAIN.finditer(text_shape, first):
            start, end = chain.span()
            lowest = max(first, start - SIGNS_MAX)
            while start > lowest and text_shape[start - 1] in SIGNS:
                start -= 1
            key = text_shape[start:end].rstrip(b" \n.-/()")
            if len(key) < _CHAIN_LENGTH_MIN:
                continue
            places = self._chains.get(key)
            if places is None:
                places = self._learn(key)
            if places:
                found += [(start + offset, form) for offset, form in places]
        return found

    def _learn(self, chain: bytes) -> tuple[tuple[int, int], ...]:
        places = tuple(
            (offset, form)
            for offset in range(len(chain))
            if chain[offset] in SIGNS or (chain[offset] == _DIGIT and (offset == 0 or chain[offset - 1] != _DIGIT))
            for form in self._beginning(chain, offset)
        )
        if len(chain) <= _CACHED_LENGTH_MAX:
            if len(self._chains) >= _CACHE_SIZE:
                self._chains.clear()
            self._chains[chain] = places
        return places

    def _beginning(self, chain: bytes, offset: int) -> tuple[int, ...]:
        """The forms that may begin here; remembered by what follows, since long chains repeat themselves."""
        tail = chain[offset : offset + self._width]
        forms = self._tails.get(tail)
        if forms is None:
            forms = tuple(number for number, pattern in enumerate(self._patterns) if pattern.match(tail))
            if len(self._tails) >= _CACHE_SIZE:
                self._tails.clear()
            self._tails[tail] = forms
        return forms
