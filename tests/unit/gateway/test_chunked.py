"""What is refused is in tests/faults/test_http_attacks.py."""

import contextlib
import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lawgate.domain.limits import Limits
from lawgate.gateway.chunked import ChunkedDecoder, ChunkedError

LIMITS = Limits()
WIRE = b"5\r\nhello\r\n00000006\r\n world\r\nA\r\n0123456789\r\n0\r\nX: a\r\nY:\r\n\r\nGET /"


def decode(pieces: list[bytes], limits: Limits = LIMITS) -> tuple[bytes, bool, bytes]:
    decoder = ChunkedDecoder(limits)
    body = b""
    rest = b""
    for piece in pieces:
        if decoder.done:
            rest += piece
        else:
            body += b"".join(decoder.feed(piece))
    return body, decoder.done, decoder.rest + rest


def test_a_body_with_trailers_and_what_follows() -> None:
    assert decode([WIRE]) == (b"hello world0123456789", True, b"GET /")


@given(st.lists(st.integers(0, len(WIRE)), max_size=12))
def test_cuts_change_nothing(cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(WIRE)]
    assert decode([WIRE[a:b] for a, b in itertools.pairwise(at)]) == decode([WIRE])


@given(st.lists(st.sampled_from([b"0", b"5", b"a", b"\r", b"\n", b"\r\n", b"hello", b";", b":"]), max_size=25))
def test_garbage_gives_the_same_verdict_however_it_is_cut(parts: list[bytes]) -> None:
    def verdict(pieces: list[bytes]) -> object:
        try:
            return decode(pieces)
        except ChunkedError:
            return "refused"

    whole = b"".join(parts)
    assert verdict([whole]) == verdict([whole[at : at + 1] for at in range(len(whole))])


def test_an_incomplete_body_is_not_done() -> None:
    for end in range(WIRE.index(b"GET /")):
        assert decode([WIRE[:end]])[1] is False


def test_tiny_chunks_are_free_up_to_a_point() -> None:
    wire = b"1\r\na\r\n"
    assert decode([wire * 1024])[0] == b"a" * 1024
    with pytest.raises(ChunkedError):
        decode([wire * 1025])


def test_announced_bytes_count_before_they_arrive() -> None:
    decoder = ChunkedDecoder(LIMITS)
    decoder.feed(b"ffffffff\r\n")
    assert decoder.body_b == 0xFFFFFFFF


def test_the_trailer_bound_is_inclusive() -> None:
    wire = b"0\r\nX: aaa\r\n\r\n"
    assert decode([wire], replace(LIMITS, trailer_b_max=8))[1]
    with pytest.raises(ChunkedError):
        decode([wire], replace(LIMITS, trailer_b_max=7))


@given(st.binary(max_size=60))
def test_no_input_raises_anything_else(data: bytes) -> None:
    with contextlib.suppress(ChunkedError):
        decode([data])
