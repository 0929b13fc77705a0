from lawgate.domain.identity import CredentialKind, Principal
from lawgate.identify.cache import TokenCache

NOW = 1_800_000_000.0


def principal(issuer: str = "https://a.example", expires_at: int = int(NOW) + 3600) -> Principal:
    return Principal(issuer, "u", CredentialKind.OIDC, ("g",), expires_at)


def test_a_token_is_known_for_five_minutes_at_most() -> None:
    cache = TokenCache()
    cache.put("t", principal(), NOW + 9999, NOW)
    assert cache.get("t", NOW) == principal()
    assert cache.get("t", NOW + 299.9) == principal()
    assert cache.get("t", NOW + 300) is None
    assert len(cache) == 0


def test_a_token_is_known_no_longer_than_it_lives_or_its_keys_are_fresh() -> None:
    cache = TokenCache()
    cache.put("t", principal(expires_at=int(NOW) + 10), NOW + 9999, NOW)
    cache.put("k", principal(), NOW + 20, NOW)
    assert cache.get("t", NOW + 9) is not None
    assert cache.get("t", NOW + 10) is None
    assert cache.get("k", NOW + 19) is not None
    assert cache.get("k", NOW + 20) is None


def test_what_is_over_is_not_kept() -> None:
    cache = TokenCache()
    cache.put("t", principal(expires_at=int(NOW)), NOW + 9999, NOW)
    cache.put("k", principal(), NOW, NOW)
    assert len(cache) == 0


def test_tokens_are_told_apart_and_never_kept() -> None:
    cache = TokenCache()
    cache.put("secret-token", principal(), NOW + 9999, NOW)
    assert cache.get("secret-tokeN", NOW) is None
    assert "secret-token" not in repr(cache._young)


def test_text_that_is_not_unicode_is_merely_unknown() -> None:
    assert TokenCache().get("\ud800", NOW) is None


def test_the_cache_is_bounded_and_keeps_what_is_used() -> None:
    cache = TokenCache(entries_max=100)
    cache.put("mine", principal(), NOW + 9999, NOW)
    for number in range(1000):
        cache.put(f"t{number}", principal(), NOW + 9999, NOW)
        assert len(cache) <= 100
        if number % 10 == 0:
            assert cache.get("mine", NOW) is not None
    assert cache.get("t1", NOW) is None
    assert cache.get("t999", NOW) is not None


def test_the_same_token_twice_is_one_entry() -> None:
    cache = TokenCache(entries_max=4)
    for _ in range(10):
        cache.put("t", principal(), NOW + 9999, NOW)
    assert len(cache) == 1


def test_dropping_an_issuer_forgets_its_tokens_and_no_others() -> None:
    cache = TokenCache(entries_max=4)
    for name in ("a1", "a2", "a3"):
        cache.put(name, principal("https://a.example"), NOW + 9999, NOW)
    cache.put("b", principal("https://b.example"), NOW + 9999, NOW)
    cache.drop("https://a.example")
    assert [cache.get(name, NOW) is None for name in ("a1", "a2", "a3", "b")] == [True, True, True, False]
