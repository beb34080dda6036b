"""Surgery rewrites what an event names, moments as they are to be treated, and not one bit more."""

import pytest
import torch
from torch import nn

from audition.apoptosis.surgery import Weights, operate
from audition.parts.stepping.moments import Moment, by_shape, moments_of
from audition.parts.stepping.together import Together
from audition.recipe.turnover import Edit, Event
from audition.session import begin

LAYER = "blocks.1.feedforward"
DEAD, PARENTS = torch.tensor([3, 100]), torch.tensor([7, 8])


def event(moments="zero", width=32, bias=True):
    """Two units die; their parents' columns change as well."""
    source = PARENTS if moments == "copy" else None

    def edit(parameter, axis, index, values):
        return Edit(f"{LAYER}.{parameter}", axis, index, values, moments, source)

    rows = edit("up.weight", 0, DEAD, torch.full((2, width), 5.0))
    columns = edit("down.weight", 1, DEAD, torch.full((width, 2), 7.0))
    parents = edit("down.weight", 1, PARENTS, torch.full((width, 2), 8.0))
    biases = (edit("up.bias", 0, DEAD, torch.full((2,), 6.0)),) if bias else ()
    return Event(LAYER, DEAD, PARENTS[:, None], (rows, *biases, columns, parents))


def expected_weight(name, tensor):
    """A weight after the event, by the definition of a unit."""
    tensor = tensor.clone()
    if name == f"{LAYER}.up.weight":
        tensor[DEAD] = 5.0
    elif name == f"{LAYER}.up.bias":
        tensor[DEAD] = 6.0
    elif name == f"{LAYER}.down.weight":
        tensor[:, DEAD], tensor[:, PARENTS] = 7.0, 8.0
    return tensor


def expected_moment(name, before, policy):
    """A moment of a weight's shape after the event."""
    tensor = before.clone()
    if policy == "keep":
        return tensor
    if name in (f"{LAYER}.up.weight", f"{LAYER}.up.bias"):
        tensor[DEAD] = before[PARENTS] if policy == "copy" else 0.0
    elif name == f"{LAYER}.down.weight":
        tensor[:, DEAD] = before[:, PARENTS] if policy == "copy" else 0.0
        tensor[:, PARENTS] = before[:, PARENTS] if policy == "copy" else 0.0
    return tensor


@pytest.mark.parametrize("policy", ["zero", "keep", "copy"])
@pytest.mark.parametrize("bias", [True, False])
def test_what_is_named_and_nothing_else(session_of, weights_to_cut, optimizer, bias, policy):
    _, session = session_of(optimizer, f"model.bias={bias}")
    weights = {n: p.detach().clone() for n, p in session.params.items()}
    state = session.optimizer.state
    moments = {
        n: {k: torch.as_tensor(v).clone() for k, v in state[p].items()}
        for n, p in session.params.items()
    }
    assert all(moments.values())
    assert not operate(weights_to_cut(session), [event(policy, bias=bias)])
    for name, p in session.params.items():
        assert torch.equal(p, expected_weight(name, weights[name])), name
        for key, before in moments[name].items():
            after = torch.as_tensor(state[p][key])
            if before.shape == p.shape:
                assert before.count_nonzero() > 0, f"{name} {key}"
                assert torch.equal(after, expected_moment(name, before, policy)), f"{name} {key}"
            else:
                assert torch.equal(after, before), f"{name} {key}"


def test_before_the_first_step_there_are_no_moments(job_of, weights_to_cut):
    session = begin(job_of().recipe, 0, "cpu")
    operate(weights_to_cut(session), [event("copy", bias=False)])
    assert (session.params[f"{LAYER}.up.weight"][DEAD] == 5.0).all()
    assert not session.optimizer.state


def test_no_events_no_edits(session_of, weights_to_cut, differences):
    _, session = session_of()
    before = {n: (p._version, p.detach().clone()) for n, p in session.params.items()}
    operate(weights_to_cut(session), [])
    assert not differences(
        before, {n: (p._version, p.detach().clone()) for n, p in session.params.items()}
    )


def test_an_event_of_no_site_is_a_mistake(session_of, weights_to_cut):
    _, session = session_of()
    with pytest.raises(ValueError, match=r"blocks\.9 has no units; these have: blocks\.0\.feed"):
        operate(weights_to_cut(session), [Event("blocks.9", DEAD, PARENTS[:, None])])


def test_a_source_is_for_copies_alone():
    for moments, source in (("zero", PARENTS), ("copy", None)):
        with pytest.raises(ValueError, match="exactly where it copies moments"):
            Edit("up.weight", 0, DEAD, torch.zeros(2, 4), moments, source)


class Layer(nn.Module):
    """The smallest thing that has units: four of them."""

    def __init__(self):
        super().__init__()
        self.up = nn.Parameter(torch.randn(4, 3))
        self.down = nn.Parameter(torch.randn(5, 4))

    def units(self):
        from audition.recipe.units import Part, Units

        return Units(len(self.up), (Part("up", 0, "incoming"), Part("down", 1, "outgoing")))

    def resized(self, count):
        pass

    def forward(self, x):
        return torch.tanh(x @ self.up.T) @ self.down.T


class Holder(nn.Module):
    """A model with one site, `layer`."""

    def __init__(self):
        super().__init__()
        self.layer = Layer()

    def forward(self, x):
        return self.layer(x)


def stepped(make):
    """A small model, its optimizer after three steps, and what surgery works on."""
    torch.manual_seed(0)
    model = Holder()
    params = dict(model.named_parameters())
    optimizer = make(list(params.values()))
    for _ in range(3):
        model(torch.randn(8, 3)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return model, Weights(model, params, optimizer)


def one(moments="zero", born=(1,), parents=(2,)):
    """An event of unit `born`, with moments of `parents` where they are copied."""
    born, parents = torch.tensor(born), torch.tensor(parents)
    source = parents if moments == "copy" else None
    edits = (
        Edit("layer.up", 0, born, torch.full((len(born), 3), 5.0), moments, source),
        Edit("layer.down", 1, born, torch.full((5, len(born)), 7.0), moments, source),
    )
    return Event("layer", born, parents[:, None], edits)


@pytest.mark.parametrize("policy", ["zero", "keep", "copy"])
def test_factored_statistics_are_edited_along_their_own_axis(policy):
    """Adafactor's rows [H, 1] and columns [1, C] are of no weight's shape: equal shapes miss them."""
    _, weights = stepped(lambda params: torch.optim.Adafactor(params, lr=0.1))
    state = weights.optimizer.state
    before = {
        name: {k: v.clone() for k, v in state[p].items()} for name, p in weights.params.items()
    }
    assert before["layer.up"]["row_var"].shape == (4, 1)
    assert before["layer.down"]["col_var"].shape == (1, 4)
    operate(weights, [one(policy)])
    after = {name: state[p] for name, p in weights.params.items()}
    rows, columns = before["layer.up"]["row_var"], before["layer.down"]["col_var"]
    assert rows.count_nonzero() == columns.count_nonzero() == 4
    if policy == "zero":
        rows[1], columns[:, 1] = 0.0, 0.0
    elif policy == "copy":
        rows[1], columns[:, 1] = rows[2].clone(), columns[:, 2].clone()
    for name, states in before.items():
        for key, value in states.items():
            assert torch.equal(after[name][key], value), f"{name} {key}"


class Square(torch.optim.SGD):
    """Keeps what shapes cannot tell: factors [H, H] as Shampoo, row sums [H], a twin of the weights."""

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                grad = p.grad
                state.setdefault("factors", [torch.zeros(n, n) for n in p.shape])
                state["factors"][0] += grad @ grad.T
                state["factors"][1] += grad.T @ grad
                state["rows"] = state.get("rows", 0.0) + grad.square().sum(1)
                state["steps"] = torch.full((3,), 1.0 + float(state.get("steps", [0.0])[0]))
        super().step(closure)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["z"] = p.detach().clone() + 1.0

    def moments_of(self, parameter):
        state = self.state.get(parameter, {})
        if not state:
            return []
        return [
            *(m for m in by_shape(self, parameter) if m.name != "z"),
            Moment("factors.0", state["factors"][0], (0, 0)),
            Moment("factors.1", state["factors"][1], (1, 1)),
            Moment("rows", state["rows"], (0,)),
            Moment("z", state["z"], (0, 1), follows=True),
        ]


def squares(weights):
    """Copies of what Square keeps of both parameters."""
    return {
        name: {
            "left": weights.optimizer.state[p]["factors"][0].clone(),
            "right": weights.optimizer.state[p]["factors"][1].clone(),
            **{k: weights.optimizer.state[p][k].clone() for k in ("rows", "steps", "z")},
            "momentum_buffer": weights.optimizer.state[p]["momentum_buffer"].clone(),
        }
        for name, p in weights.params.items()
    }


@pytest.mark.parametrize("policy", ["zero", "keep", "copy"])
def test_an_optimizer_says_what_shapes_cannot(policy):
    _, weights = stepped(lambda params: Square(params, lr=0.1, momentum=0.9))
    expected = squares(weights)
    operate(weights, [one(policy)])
    up, down = expected["layer.up"], expected["layer.down"]
    up["z"][1], down["z"][:, 1] = 5.0, 7.0  # a twin of the weights is what the weights are
    if policy == "zero":
        up["left"][1, :], up["left"][:, 1] = 0.0, 0.0
        down["right"][1, :], down["right"][:, 1] = 0.0, 0.0
        up["rows"][1] = 0.0
        up["momentum_buffer"][1], down["momentum_buffer"][:, 1] = 0.0, 0.0
    elif policy == "copy":
        order = [0, 2, 2, 3]
        up["left"] = up["left"][order][:, order]
        down["right"] = down["right"][order][:, order]
        up["rows"] = up["rows"][order]
        up["momentum_buffer"] = up["momentum_buffer"][order]
        down["momentum_buffer"] = down["momentum_buffer"][:, order]
    found = squares(weights)
    for name, states in expected.items():
        for key, value in states.items():
            assert torch.equal(found[name][key], value), f"{name} {key}"


def test_a_copy_reads_what_was_there_before_the_event():
    """A unit's moments go to its child even where the same event clears them."""
    _, weights = stepped(lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9))
    buffer = weights.optimizer.state[weights.params["layer.up"]]["momentum_buffer"].clone()
    values = torch.zeros(1, 3)
    cleared = Edit("layer.up", 0, torch.tensor([2]), values)
    copied = Edit("layer.up", 0, torch.tensor([1]), values, "copy", torch.tensor([2]))
    operate(weights, [Event("layer", torch.tensor([1]), torch.tensor([[2]]), (cleared, copied))])
    after = weights.optimizer.state[weights.params["layer.up"]]["momentum_buffer"]
    assert torch.equal(after[1], buffer[2])
    assert (after[2] == 0.0).all()
    assert torch.equal(after[[0, 3]], buffer[[0, 3]])


def test_of_several_optimizers_the_one_that_holds_a_parameter_speaks_for_it():
    def make(params):
        return Together(
            Square(params[:1], lr=0.1, momentum=0.9), torch.optim.Adafactor(params[1:], lr=0.1)
        )

    _, weights = stepped(make)
    names = {
        name: {moment.name for moment in moments_of(weights.optimizer, p)}
        for name, p in weights.params.items()
    }
    assert names["layer.up"] == {"momentum_buffer", "factors.0", "factors.1", "rows", "z"}
    assert names["layer.down"] == {"row_var", "col_var"}
    assert moments_of(weights.optimizer, torch.zeros(4, 3)) == ()
