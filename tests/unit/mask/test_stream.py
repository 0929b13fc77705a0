from lawgate.domain.message import Edit
from lawgate.domain.processing import MaskProfile
from lawgate.mask.custom import CustomDetector
from lawgate.mask.engine import compile_detection
from lawgate.mask.masker import Masker
from lawgate.mask.stream import FORCED, Piece, TextStream

MASKER = Masker(compile_detection(), MaskProfile("x", "replace"), bytes(32))
PROSE = (
    "The controller shall take appropriate measures to provide any information relating to processing in a concise, "
    "transparent form. In 2024, about 1,200 requests came in; 35% of them were answered within 10 days (see Table 3)."
    "\n\n"
    "## Next steps\n- Ask the DPO, Mrs. Weiß, for advice.\n- Write `x = f(1, 2)` and call it a day.\n"
)


def shown(pieces: list[Piece]) -> str:
    return "".join(piece.replacement if isinstance(piece, Edit) else piece for piece in pieces)


def test_words_are_released_as_they_end() -> None:
    stream = TextStream(MASKER)
    assert stream.push("Hel") == []
    assert stream.held == 3
    assert stream.push("lo wor") == ["Hello "]
    assert stream.push("ld.\n") == []
    assert stream.push("N") == ["world.\n"]
    assert stream.flush() == ["N"]
    assert stream.flush() == []
    assert stream.held == 0


def test_a_span_is_held_until_it_has_ended() -> None:
    stream = TextStream(MASKER)
    assert stream.push("mail anna@exam") == ["mail "]
    assert stream.push("ple.org") == []
    assert stream.push(", ok") == [Edit(0, 0, "EMAIL", "replace", "anna@example.org", "<EMAIL>"), ", "]
    assert stream.push("") == []


def test_context_is_remembered_over_what_was_released() -> None:
    stream = TextStream(MASKER)
    released = stream.push("My phone, which I like: ") + stream.push("030 12345") + stream.push("67!")
    assert shown(released) == "My phone, which I like: <PHONE>!"


def test_a_key_and_what_stood_before_are_context() -> None:
    assert shown(TextStream(MASKER, key="phone").push("0301234567, ")) == "<PHONE>, "
    assert shown(TextStream(MASKER, before="phone: ").push("0301234567, ")) == "<PHONE>, "
    assert shown(TextStream(MASKER).push("0301234567, ")) == "0301234567, "


def test_long_runs_are_forced_out() -> None:
    stream = TextStream(MASKER)
    assert stream.push("x" * (FORCED - 1)) == []
    assert len(shown(stream.push("x"))) == FORCED - MASKER.detection.reach
    assert stream.held == MASKER.detection.reach


def test_a_span_over_a_forced_cut_is_found() -> None:
    for shift in range(FORCED - MASKER.detection.reach - 40, FORCED - MASKER.detection.reach + 40, 7):
        stream = TextStream(MASKER)
        text = "x" * shift + "/anna@example.org/" + "y" * 600
        pieces = [piece for character in text for piece in stream.push(character)] + stream.flush()
        assert shown(pieces) == text.replace("anna@example.org", "<EMAIL>")


def test_a_weak_form_takes_nothing_from_a_span_over_a_forced_cut() -> None:
    number = "/phone/4111 1111 1111 1111 123456/"
    for shift in range(FORCED - MASKER.detection.reach - 40, FORCED - MASKER.detection.reach + 10):
        stream = TextStream(MASKER)
        text = "x" * shift + number + "y" * 600
        pieces = [piece for character in text for piece in stream.push(character)] + stream.flush()
        assert shown(pieces) == text.replace("4111 1111 1111 1111", "<PAYMENT_CARD>")


def test_a_custom_span_with_spaces_and_commas_is_found() -> None:
    detection = compile_detection(custom=[CustomDetector("CASE_NO", r"case, \w{2} ?\d{3}", "legal")])
    masker = Masker(detection, MaskProfile("x", "replace"), bytes(32))
    stream = TextStream(masker)
    pieces = [piece for character in "See case, ab 123; done" for piece in stream.push(character)] + stream.flush()
    assert shown(pieces) == "See <CASE_NO>; done"


def test_little_is_held_back_on_prose() -> None:
    stream = TextStream(MASKER)
    held: list[int] = []
    for character in PROSE * 3:
        stream.push(character)
        held.append(stream.held)
    held.sort()
    assert sum(held) / len(held) < 6
    assert held[len(held) * 99 // 100] <= 16
