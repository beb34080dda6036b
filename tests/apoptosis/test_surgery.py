"""Surgery rewrites what a transplant names, moments included, and not one bit more."""

import pytest
import torch

from audition.apoptosis.surgery import operate
from audition.recipe.turnover import Transplant
from audition.session import begin

LAYER = "blocks.1.feedforward"
DEAD, RESCALED = torch.tensor([3, 100]), torch.tensor([7, 8])


def transplant(width=32, bias=True):
    return Transplant(
        layer=LAYER,
        units=DEAD,
        rows=torch.full((2, width), 5.0),
        biases=torch.full((2,), 6.0) if bias else None,
        columns=torch.full((width, 2), 7.0),
        rescaled=RESCALED,
        rescaled_columns=torch.full((width, 2), 8.0),
    )


def expected(name, tensor, rows, columns, rescaled):
    """A weight or a moment after surgery, by the definition of a unit."""
    tensor = tensor.clone()
    if name in (f"{LAYER}.up.weight", f"{LAYER}.up.bias"):
        tensor[DEAD] = rows
    elif name == f"{LAYER}.down.weight":
        tensor[:, DEAD], tensor[:, RESCALED] = columns, rescaled
    return tensor


@pytest.mark.parametrize("bias", [True, False])
def test_what_is_named_and_nothing_else(session_of, optimizer, bias):
    _, session = session_of(optimizer, f"model.bias={bias}")
    weights = {n: p.detach().clone() for n, p in session.params.items()}
    state = session.optimizer.state
    moments = {
        n: {k: torch.as_tensor(v).clone() for k, v in state[p].items()}
        for n, p in session.params.items()
    }
    assert all(moments.values())
    operate(session.model, session.optimizer, [transplant(bias=bias)])
    for name, p in session.params.items():
        new = expected(name, weights[name], 6.0 if "bias" in name else 5.0, 7.0, 8.0)
        assert torch.equal(p, new), name
        for key, before in moments[name].items():
            same_shape = before.shape == p.shape
            after = expected(name, before, 0.0, 0.0, 0.0) if same_shape else before
            assert torch.equal(torch.as_tensor(state[p][key]), after), f"{name} {key}"


def test_before_the_first_step_there_are_no_moments(job_of):
    session = begin(job_of().recipe, 0, "cpu")
    operate(session.model, session.optimizer, [transplant(bias=False)])
    assert (session.params[f"{LAYER}.up.weight"][DEAD] == 5.0).all()
    assert not session.optimizer.state


def test_no_transplants_no_edits(session_of, differences):
    _, session = session_of()
    before = {n: (p._version, p.detach().clone()) for n, p in session.params.items()}
    operate(session.model, session.optimizer, [])
    assert not differences(
        before, {n: (p._version, p.detach().clone()) for n, p in session.params.items()}
    )
