"""Names where there is little room: short, different where the names are, and understood again."""

from itertools import product

import pytest

from audition.labels import ROOM, labels, meant


def arms(*keys: str, values: tuple[str, ...] = ("0.002", "0.004", "0.008")) -> list[str]:
    """Every combination of two values, as a sweep of those keys names its arms."""
    return [
        ",".join(f"{k}={v}" for k, v in zip(keys, row, strict=True))
        for row in product(values, repeat=len(keys))
    ]


SWEPT = {
    "two keys": arms("optimizer.lr", "optimizer.weight_decay"),
    "two keys that end alike": arms("attention.dropout", "feedforward.dropout"),
    "what all arms share": [
        f"optimizer=muon,{name},schedule=wsd" for name in arms("a.lr", "b.end")
    ],
    "an idea's settings": [f"spectral_gate,{name}" for name in arms("rho", "every")],
    "one long name": [f"idea_of_a_rather_long_name_{i:02}_with_an_end" for i in range(12)],
    "three keys": arms("one.of.group", "one.of.other", "another.group.altogether"),
    "short ones": ["gate", "placebo"],
    "one alone": ["optimizer.lr=0.0001234,data.batch_size=128"],
}


@pytest.mark.parametrize("names", SWEPT.values(), ids=SWEPT)
def test_labels_are_short_and_different(names: list[str]) -> None:
    found = labels(names)
    assert max(map(len, found)) <= ROOM
    assert len(set(found)) == len(set(names))


def test_a_name_that_fits_is_left_alone() -> None:
    assert labels(SWEPT["short ones"]) == SWEPT["short ones"]
    assert labels(["gate", "gate"]) == ["gate", "gate"]


def test_what_two_keys_have_in_common_is_not_what_is_left_of_them() -> None:
    told = labels(SWEPT["two keys that end alike"])
    assert len(set(told)) == 9
    one, other = labels(arms("attention.dropout", "feedforward.dropout", values=("1", "2")))[1:3]
    assert (one, other) == ("att.dropout=1,fee.dropout=2", "att.dropout=2,fee.dropout=1")


@pytest.mark.parametrize("kind", ["two keys", "what all arms share", "an idea's settings"])
def test_a_label_is_understood_where_a_name_is_asked_for(kind: str) -> None:
    names = SWEPT[kind]
    assert [meant(label, names) for label in labels(names)] == names


def test_a_label_that_may_mean_several_means_none() -> None:
    names = ["spectral_gate,rho=0.1", "spectral_gate,rho=0.2", "other"]
    assert meant("spectral_gate", names) == "spectral_gate"
    assert meant("…every=1", names) == "…every=1"
    assert meant("other", names) == "other"


def test_names_that_differ_in_their_middles_alone_are_numbered_apart() -> None:
    """Cut to make room for a number, pairs of like names may become like each other."""
    ends = [f"loss.alpha={a},loss.temperature={t}" for a in (0.5, 0.9) for t in (1, 2, 4)]
    names = [f"model.width=64,loss=distill,{end},loss.teacher=baseline" for end in ends]
    short = labels([*names, "budget.tokens=34_000"], 40)
    assert len(set(short)) == len(short)
    assert all(len(text) <= 40 for text in short)


def test_names_that_would_be_alike_show_what_tells_them_apart() -> None:
    taught = "model.width=64,loss=distill,loss.alpha={},loss.temperature={},loss.teacher=baseline"
    names = [taught.format(a, t) for a in (0.5, 0.9) for t in (1, 2)]
    short = labels([*names, "model.width=64,loss=label_smoothing", "optimizer.lr=1.6e-2"])
    assert short[:4] == [
        "…alpha=0.5,temperature=1",
        "…alpha=0.5,temperature=2",
        "…alpha=0.9,temperature=1",
        "…alpha=0.9,temperature=2",
    ]
