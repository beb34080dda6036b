"""Accounts of made-up searches, with a trial of every kind."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from audition.records.studies import Account, Importance, Parameter, Trial

LR = Parameter(name="optimizer.lr", low=1e-4, high=0.1, log=True)
NORM = Parameter(name="norm", choices=("layernorm", None, True))
FORK = (
    Parameter(name="optimizer", choices=("adamw", "muon")),
    Parameter(name="optimizer.lr[optimizer=adamw]", low=5e-4, high=2e-2, log=True),
    Parameter(name="optimizer.decay[optimizer=muon]", low=0.0, high=0.5),
)


def trial(number: int, state: str, *losses: float, **facts: Any) -> Trial:
    """A trial with a loss on each seed from 1 on; `params` where it stands."""
    seeds = {seed: (loss,) for seed, loss in enumerate(losses, start=1)}
    values = {"whole": (sum(losses) / max(1, len(losses)),), "diverged": (math.inf,)}
    known: dict[str, Any] = {
        "params": {"optimizer.lr": 0.001 * (number + 1), "norm": NORM.choices[number % 3]},
        "overrides": (f"optimizer.lr={0.001 * (number + 1):g}",),
        "seeds": seeds,
        "values": values.get(state, ()),
        "config_hash": f"hash{number}",
        "arm": f"arm{number}",
    }
    return Trial(number=number, state=state, **(known | facts))  # type: ignore[arg-type]


def account(*trials: Trial, **facts: Any) -> Account:
    known: dict[str, Any] = {
        "name": "made-up",
        "objectives": ("val_loss",),
        "seeds": (1, 2, 3),
        "parameters": (LR, NORM),
        "importances": (
            Importance(
                objective="val_loss",
                among="",
                trials=12,
                shares={"optimizer.lr": 0.75, "norm": 0.25},
            ),
        ),
        "written": "2026-01-01T00:00:00+00:00",
    }
    return Account(trials=trials, **(known | facts))


@pytest.fixture
def made() -> Callable[..., Account]:
    """Trials and facts -> an account."""
    return account


@pytest.fixture
def every() -> Account:
    """A trial of every kind; the default is trial 0, the best trial 4."""
    return account(
        trial(0, "whole", 1.50, 1.52, 1.51, is_default=True, overrides=()),
        trial(1, "diverged", 1.6, math.inf),
        trial(2, "given up", 1.58, 1.60),
        trial(3, "failed", reason="the card burnt"),
        trial(4, "whole", 1.40, 1.42, 1.41),
        trial(5, "whole", 9.0, 9.1, 9.2),
        trial(6, "given up"),
        trial(7, "under way", 1.45),
        trial(8, "waiting", params={}),
        trial(9, "whole", 1.44, 1.46, 1.45),
    )


@pytest.fixture
def forked() -> Account:
    """Two branches with a parameter each; the default is an adamw."""

    def at(number: int, loss: float, **params: Any) -> Trial:
        return trial(number, "whole", loss, loss, loss, params=params, is_default=number == 0)

    adamw, muon = ({"optimizer": name} for name in ("adamw", "muon"))
    return account(
        at(0, 1.5, **adamw, **{FORK[1].name: 0.004}),
        at(1, 1.6, **adamw, **{FORK[1].name: 0.008}),
        at(2, 1.3, **muon, **{FORK[2].name: 0.1}),
        at(3, 1.4, **muon, **{FORK[2].name: 0.4}),
        parameters=FORK,
        importances=(
            Importance(
                objective="val_loss", among="optimizer=muon", trials=2, shares={}, why_none="few"
            ),
        ),
    )


@pytest.fixture
def two() -> Account:
    """Two objectives; the front is trials 0, 2 and 3."""
    points = {0: (1.0, 9.0), 1: (2.0, 9.5), 2: (3.0, 5.0), 3: (4.0, 1.0), 4: (4.5, 1.5)}
    whole = [
        trial(n, "whole", seeds={1: values, 2: values}, values=values, is_default=n == 4)
        for n, values in points.items()
    ]
    ill = trial(5, "diverged", seeds={1: (math.inf,) * 2}, values=(math.inf,) * 2)
    return account(*whole, ill, objectives=("val_loss", "seconds"), importances=())
