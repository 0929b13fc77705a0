import pytest

from lawgate.mask import context_words
from lawgate.mask.normalise import alphanumeric


@pytest.mark.parametrize("words", [context_words.PHONE_WORDS, context_words.CARD_WORDS, context_words.SSN_WORDS])
def test_words_are_lower_case_and_by_language(words: dict[str, tuple[str, ...]]) -> None:
    assert "en" in words
    assert [word for one in words.values() for word in one if word != word.casefold() or word != word.strip()] == []


@pytest.mark.parametrize("keys", [context_words.PHONE_KEYS, context_words.CARD_KEYS, context_words.SSN_KEYS])
def test_keys_are_as_they_are_compared(keys: frozenset[str]) -> None:
    assert [key for key in keys if alphanumeric(key).rstrip("0123456789") != key] == []
