"""Config nodes held against their constructors: a table of good values and of the sentences."""

import math
from typing import Any

import pytest

from audition.config.schema import check_node
from audition.errors import AuditionError

pytestmark = pytest.mark.usefixtures("lab")
FAST = "mylab.optim.Fast"


def whole(node):
    """The node as a run gets it, wherever its target lies."""
    return check_node(node, "config", None)


def fast(**settings: Any) -> dict[str, Any]:
    return {"_target_": FAST, "lr": 0.1, **settings}


@pytest.mark.parametrize(
    ("name", "given", "run_gets"),
    [
        ("lr", 1, 1.0),
        ("drive", math.inf, math.inf),
        ("drive", -math.inf, -math.inf),
        ("steps", 7, 7),
        ("steps", 1e6, 1_000_000),
        ("betas", [0, 2], (0.0, 2.0)),
        ("kind", "linear", "linear"),
        ("nesterov", True, True),
        ("clip", None, None),
        ("clip", 2, 2.0),
        ("name", "", ""),
        ("scales", [1, 2.5], [1.0, 2.5]),
        ("ranks", [1, 2.0, 3], (1, 2, 3)),
        ("weights", {"a": 1}, {"a": 1.0}),
        ("tail", 2.0, 2.0),
        ("tail", 2, 2),
        ("auto", "auto", "auto"),
        ("auto", 3, 3.0),
        ("inner", None, None),
        ("rate", 1, 1.0),
        ("rate", "whatever a Tensor may be", "whatever a Tensor may be"),
        ("extra", [{"a": 1}], [{"a": 1}]),
    ],
)
def test_good_values(name: str, given: object, run_gets: object) -> None:
    check_node(fast(**{name: given}), "optimizer", ("mylab",))
    assert repr(whole(fast(**{name: given}))[name]) == repr(run_gets)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"lrr": 1},
            f"optimizer.lrr is not a setting of {FAST}; did you mean 'lr'? choose from: auto,",
        ),
        (
            {"width": 8},
            "optimizer.width is supplied by the house and cannot be set; choose from: auto,",
        ),
        ({1: 2}, "optimizer.1 is not a setting of mylab.optim.Fast; choose from: auto,"),
        ({"lr": "???"}, "optimizer.lr is missing: mylab.optim.Fast has no default for it"),
        ({"lr": "fast"}, "optimizer.lr='fast' is not a number"),
        ({"lr": True}, "optimizer.lr=true is not a number"),
        ({"lr": None}, "optimizer.lr=null is not a number"),
        ({"lr": -1}, "optimizer.lr=-1 is out of range: it must be > 0"),
        ({"lr": 0}, "optimizer.lr=0 is out of range: it must be > 0"),
        ({"lr": math.nan}, "optimizer.lr=nan is out of range: it must be > 0"),
        ({"scales": [1, math.nan]}, "optimizer.scales[1]=nan is out of range: it must be a number"),
        ({"steps": 0}, "optimizer.steps=0 is out of range: it must be >= 1"),
        ({"steps": 1.5}, "optimizer.steps=1.5 is not a whole number"),
        ({"lr": math.inf}, "optimizer.lr=inf is out of range: it must be finite and > 0"),
        ({"lr": 1e400}, "optimizer.lr=inf is out of range: it must be finite and > 0"),
        ({"tail": -math.inf}, "optimizer.tail=-inf is out of range: it must be finite"),
        ({"drive": math.nan}, "optimizer.drive=nan is out of range: it must be >= -inf and <= inf"),
        ({"steps": math.inf}, "optimizer.steps=inf is out of range: it must be finite and >= 1"),
        ({"steps": True}, "optimizer.steps=true is not a whole number"),
        ({"betas": [0.9]}, "optimizer.betas=[0.9] has length 1: it must be a list of 2"),
        ({"betas": 0.9}, "optimizer.betas=0.9 is not a list of 2"),
        ({"betas": [1, 1]}, "optimizer.betas[0]=1 is out of range: it must be >= 0 and < 1"),
        ({"betas": [0.9, "x"]}, "optimizer.betas[1]='x' is not a number"),
        (
            {"kind": "cosin"},
            "optimizer.kind='cosin' is not one of the choices; did you mean 'cosine'? "
            "choose from: cosine, linear",
        ),
        ({"nesterov": 1}, "optimizer.nesterov=1 is not true or false"),
        ({"nesterov": "yes"}, "optimizer.nesterov='yes' is not true or false"),
        ({"clip": "no"}, "optimizer.clip='no' is not a number or null"),
        ({"clip": 10}, "optimizer.clip=10 is out of range: it must be > 0 and < 10"),
        ({"name": None}, "optimizer.name=null is not text"),
        ({"scales": "ab"}, "optimizer.scales='ab' is not a list"),
        ({"ranks": [1, 2.5]}, "optimizer.ranks[1]=2.5 is not a whole number"),
        ({"weights": [1]}, "optimizer.weights=[1] is not a mapping of names"),
        ({"weights": {"a": "b"}}, "optimizer.weights.a='b' is not a number"),
        ({"weights": {1: 2}}, "optimizer.weights={1: 2} is not a mapping of names"),
        ({"auto": "atuo"}, "optimizer.auto='atuo' is not 'auto' or a number"),
        ({"rate": math.nan}, "optimizer.rate=nan is out of range"),
        (
            {"_partial_": True},
            "optimizer._partial_ is not used here: the only such key is _target_",
        ),
        ({"_args_": []}, "optimizer._args_ is not used here"),
        ({"_recursive_": False}, "optimizer._recursive_ is not used here"),
        ({"_convert_": "all"}, "optimizer._convert_ is not used here"),
        ({"extra": {"_partial_": True}}, "optimizer.extra._partial_ is not used here"),
        ({"_target_": None}, "optimizer has no _target_, which names the class or function"),
        ({"_target_": 3}, "optimizer._target_=3 is not a dotted name"),
        (
            {"_target_": "os.system"},
            "optimizer._target_=os.system is not allowed: it must be in audition, mylab",
        ),
        ({"_target_": "mylabs.X"}, "optimizer._target_=mylabs.X is not allowed"),
        (
            {"_target_": "mylab.optim.Fasst"},
            "optimizer._target_=mylab.optim.Fasst does not exist: "
            "mylab.optim has no 'Fasst'; did you mean 'Fast'? choose from: Fast, ",
        ),
        (
            {"_target_": "mylab.optin.Fast"},
            "optimizer._target_=mylab.optin.Fast does not exist: "
            "mylab has no 'optin'; did you mean 'optim'?",
        ),
        (
            {"_target_": "mylab.optim"},
            "optimizer._target_=mylab.optim is a module where a class or function is",
        ),
        (
            {"inner": {"_target_": "mylab.optim.make", "gian": 2}},
            "optimizer.inner.gian is not a setting of mylab.optim.make; did you mean 'gain'",
        ),
        ({"inner": {"_target_": "os.getcwd"}}, "optimizer.inner._target_=os.getcwd is not allowed"),
        (
            {"extra": [{"a": {"_target_": "mylab.optim.make", "gain": "x"}}]},
            "optimizer.extra[0].a.gain='x' is not a number",
        ),
        (
            {"lr": {"_target_": "mylab.optim.make"}},
            "optimizer.lr={'_target_': 'mylab.optim.make', 'gain': 1.0} is not a num",
        ),
    ],
)
def test_sentences(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AuditionError) as caught:
        check_node({**fast(), **settings}, "optimizer", ("mylab", "audition."))
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("node", [None, "adamw", [1], 3])
def test_a_node_is_a_mapping(node: object) -> None:
    with pytest.raises(AuditionError, match=r"optimizer=.* is not a group of settings"):
        check_node(node, "optimizer", ("mylab",))


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(AuditionError, match=r"^optimizer\.lr is missing: mylab\.optim\.Fast"):
        check_node({"_target_": FAST}, "optimizer", ("mylab",))


def test_writing_the_defaults_out_changes_nothing() -> None:
    short = whole(fast())
    assert whole(short) == short
    long = fast(betas=[0.9, 1.0], steps=5.0, scales=[], tail=1, rate=0.001, clip=None)
    assert repr(whole(long)) == repr(short)
    assert whole(fast(steps=6)) != short


def test_inner_nodes_are_completed_too() -> None:
    made = whole(fast(extra=[{"a": {"_target_": "mylab.optim.make"}}]))
    assert made["extra"] == [{"a": {"_target_": "mylab.optim.make", "gain": 1.0}}]


def test_nothing_given_or_given_back_is_shared() -> None:
    first = whole(fast(extra=[1]))
    first["weights"]["a"] = 1.0  # type: ignore[index]
    assert whole(fast())["weights"] == {}


def test_a_constructor_that_no_config_can_be_held_against() -> None:
    with pytest.raises(AuditionError) as caught:
        check_node({"_target_": "mylab.wrong.Loose", "lr": 2}, "optimizer", ("mylab",))
    assert str(caught.value).startswith(
        "optimizer._target_=mylab.wrong.Loose cannot be used: mylab.wrong.Loose takes **rest, so"
    )
