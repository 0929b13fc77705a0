import json

from lawgate.domain.json_text import PIECE
from lawgate.exchange.event_plan import COUNT, FINISH, PASS, TRACK, WHOLE, Plan, plan, resolved, skeleton
from lawgate.wire.openai import OpenAiWire
from lawgate.wire.tracks import TrackKind
from tests.masking_world import EMAIL

WIRE = OpenAiWire()


def planned(document: object, event_type: str = "") -> Plan:
    return plan(json.dumps(document), WIRE, event_type, WIRE.withhold)


def actions(made: Plan) -> dict[str, int]:
    return {".".join(str(step) for step in path): action for path, action in zip(made.paths, made.actions, strict=True)}


def test_each_leaf_has_its_action() -> None:
    choice = {"index": 0, "delta": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    assert actions(planned({"id": "c", "created": 1, "model": "m", "choices": [choice]})) == {
        "id": PASS,
        "created": PASS,
        "model": WHOLE,
        "choices.0.index": COUNT,
        "choices.0.delta.role": WHOLE,
        "choices.0.delta.content": TRACK,
        "choices.0.finish_reason": FINISH,
    }


def test_a_slot_knows_the_leaves_that_tell_its_track_apart() -> None:
    call = {"index": 7, "function": {"arguments": "{"}}
    data = json.dumps({"choices": [{"index": 3, "delta": {"tool_calls": [call]}}]})
    made = plan(data, WIRE, "", frozenset())
    slot = next(iter(made.slots.values()))
    assert slot.kind is TrackKind.JSON
    assert slot.name == "arguments"
    assert resolved(slot.steps, PIECE.findall(data)) == (
        "choices",
        "3",
        "delta",
        "tool_calls",
        "7",
        "function",
        "arguments",
    )


def test_an_element_without_an_index_is_told_by_its_place() -> None:
    data = json.dumps({"choices": [{"text": "a"}, {"text": "b"}]})
    made = plan(data, WIRE, "", frozenset())
    assert [resolved(slot.steps, PIECE.findall(data))[1] for slot in made.slots.values()] == ["0", "1"]


def test_events_of_one_form_have_one_skeleton_and_others_another() -> None:
    def of(document: object) -> tuple[str, ...]:
        return skeleton(PIECE.findall(json.dumps(document)))

    assert of({"a": "x", "n": 1}) == of({"a": 'y"\\', "n": -2.5})
    assert of({"a": "x"}) != of({"b": "x"})
    values: list[object] = ["x", 1, None, [], {}]
    assert len({of({"a": value}) for value in values}) == 5


def test_a_name_that_no_protocol_has_is_kept_for_masking() -> None:
    data = json.dumps({EMAIL: 1, "content": 2})
    assert [data[start:end] for start, end in plan(data, WIRE, "", frozenset()).members] == [EMAIL]


def test_leaves_of_withheld_members_are_left_to_them() -> None:
    made = planned({"choices": [{"index": 0, "logprobs": {"content": [{"token": "x", "logprob": -1.5}]}}]})
    assert actions(made)["choices.0.logprobs.content.0.token"] == PASS
    assert len(made.withheld) == 1


def test_events_that_are_whole_have_no_tracks() -> None:
    assert not planned({"type": "x.done", "text": "x"}, "x.done").slots
    assert planned({"type": "x.done", "text": "x"}, "x.done").ends
    assert not planned({"jsonrpc": "2.0", "text": "x"}).slots
    assert planned({"type": "x.delta", "text": "x"}, "x.delta").slots
