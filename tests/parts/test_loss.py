"""The loss: nats per token, as in the formula."""

import math
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from audition.parts.attention.causal import Causal
from audition.parts.feedforward.gelu import Gelu
from audition.parts.gpt import GPT
from audition.parts.initial import initialise
from audition.parts.loss import chunked
from audition.parts.loss.cross_entropy import CrossEntropy
from audition.parts.loss.focal import Focal
from audition.parts.norm.layernorm import LayerNorm
from audition.parts.positional.learned import Learned
from audition.recipe.batches import Batch, Clock, Shape
from audition.recipe.gradient import sum_of
from audition.recipe.problem import Predict
from audition.recipe.streams import Streams


class Fixed(nn.Module):
    """Gives every token the same two logits, so that p = (1/4, 3/4)."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits = torch.tensor([1.0, 3.0]).log()
        return (
            logits.expand(*inputs.shape, 2).bfloat16()
            if inputs.sum()
            else logits.expand(*inputs.shape, 2)
        )


BATCH = Batch(
    torch.zeros(1, 4, dtype=torch.int64),
    torch.tensor([[0, 1, 1, 1]]),
    torch.tensor([0]),
    torch.tensor([0]),
)
A, B = math.log(4), math.log(4 / 3)


@pytest.mark.parametrize(
    ("smoothing", "expected"),
    [(0.0, (A + 3 * B) / 4), (0.2, 0.8 * (A + 3 * B) / 4 + 0.2 * (A + B) / 2)],
)
def test_cross_entropy_by_hand(smoothing, expected):
    terms = CrossEntropy(label_smoothing=smoothing)(Predict(Fixed()), BATCH, Clock(0))
    assert list(terms) == ["cross_entropy"]
    assert terms["cross_entropy"].item() == pytest.approx(expected, rel=1e-6)


def test_narrow_logits_are_summed_in_float32():
    batch = replace(BATCH, inputs=torch.ones(1, 4, dtype=torch.int64))
    assert CrossEntropy()(Predict(Fixed()), batch, Clock(0))["cross_entropy"].dtype == torch.float32


def test_smoothing_is_spread_over_the_allowed_answers_alone():
    class Three(nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return torch.tensor([1.0, 3.0, 1e3]).log().expand(len(inputs), 3)

    rows = torch.zeros(2, dtype=torch.int64)
    allowed = torch.tensor([[True, True, False]] * 2)
    batch = Batch(torch.zeros(2, 1), torch.tensor([0, 1]), rows, rows, allowed)
    loss = CrossEntropy(label_smoothing=0.2)(Predict(Three()), batch, Clock(0))["cross_entropy"]
    assert loss.item() == pytest.approx(0.8 * (A + B) / 2 + 0.2 * (A + B) / 2, rel=1e-6)


class Constant(nn.Module):
    """Gives every row the same logits, which are parameters."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(inputs), -1)


def answers(*targets: int) -> Batch:
    rows = torch.zeros(len(targets), dtype=torch.int64)
    return Batch(torch.zeros(len(targets), 1), torch.tensor(targets), rows, rows)


def test_z_loss_by_hand():
    model = Constant(1.0, 2.0, -0.5)
    terms = CrossEntropy(z_loss=0.1)(Predict(model), answers(0, 2), Clock(0))
    plain = CrossEntropy()(Predict(model), answers(0, 2), Clock(0))
    assert list(plain) == ["cross_entropy"]
    assert torch.equal(plain["cross_entropy"], terms["cross_entropy"])
    log_z = math.log(math.e + math.e**2 + math.e**-0.5)
    assert terms["z_loss"].item() == pytest.approx(0.1 * log_z**2)
    terms["z_loss"].backward()
    p = model.logits.detach().softmax(-1)
    torch.testing.assert_close(model.logits.grad, 0.2 * log_z * p)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_by_hand(gamma):
    model = Constant(*torch.tensor([0.7, 0.2, 0.1]).log().tolist())
    terms = Focal(gamma=gamma)(Predict(model), answers(0, 2), Clock(0))
    expected = sum(-((1 - p) ** gamma) * math.log(p) for p in (0.7, 0.1)) / 2
    assert list(terms) == ["focal"]
    assert terms["focal"].item() == pytest.approx(expected, rel=1e-5)


def test_focal_without_gamma_is_cross_entropy_to_the_bit_and_sure_answers_have_no_slope():
    model = text_model()
    focal, found = trained(Focal(gamma=0.0), model)
    plain, expected = trained(CrossEntropy(), model)
    assert torch.equal(focal, plain)
    assert all(torch.equal(found[name], grad) for name, grad in expected.items())
    sure = Constant(200.0, 0.0)
    for gamma in (0.1, 0.5, 1.0, 2.0):
        Focal(gamma=gamma)(Predict(sure), answers(0), Clock(0))["focal"].backward()
        assert not sure.logits.grad.any()
    assert chunked.focused(torch.zeros(1), 0.1)[1].isfinite().all()


VOCAB, PLACES, WINDOWS = 300, 8, 6


def text_model(**settings):
    shape = Shape((PLACES,), VOCAB)
    sizes = {"layers": 1, "heads": 2, "width": 32, "context": PLACES, **settings}
    model = GPT(shape, Causal(), Learned(), LayerNorm(), Gelu(), **sizes)
    initialise(model, Streams(3))
    return model


def windows():
    text = torch.randint(VOCAB, (WINDOWS, PLACES + 1), generator=torch.Generator().manual_seed(1))
    rows = torch.arange(WINDOWS)
    return Batch(text[:, :-1], text[:, 1:], rows, torch.zeros(WINDOWS))


def trained(loss, model, context=nullcontext):
    model.zero_grad()
    with context():
        value = sum_of(loss(Predict(model), windows(), Clock(0)).values())
    (3.0 * value).backward()
    return value.detach(), {n: p.grad.clone() for n, p in model.named_parameters()}


class Largest(TorchDispatchMode):
    """Notes the size of the largest tensor that any operation makes."""

    found = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        sizes = [t.numel() for t in tree_leaves(out) if isinstance(t, torch.Tensor)]
        self.found = max(self.found, *sizes, 0)
        return out


LOSSES = [
    CrossEntropy(),
    CrossEntropy(label_smoothing=0.2),
    CrossEntropy(z_loss=0.1),
    CrossEntropy(z_loss=0.1, label_smoothing=0.2),
    Focal(),
    Focal(gamma=0.5),
    Focal(gamma=0.0),
]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("settings", [{}, {"tied_head": False}, {"bias": True}])
@pytest.mark.parametrize("chunk", [7, 1000])
def test_chunks_have_the_value_and_the_gradient_of_one_pass(loss, settings, chunk):
    model = text_model(**settings)
    expected, grads = trained(replace(loss, chunk="off"), model)
    value, found = trained(replace(loss, chunk=chunk), model)
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=0)
    for name in grads:
        assert (found[name] - grads[name]).norm() <= 3e-6 * grads[name].norm() + 1e-9, name


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_terms_have_the_same_names_and_values_in_chunks(loss):
    model = text_model()
    one, many = (
        replace(loss, chunk=chunk)(Predict(model), windows(), Clock(0)) for chunk in ("off", 5)
    )
    assert list(one) == list(many)
    for name in one:
        torch.testing.assert_close(one[name], many[name], rtol=1e-6, atol=0)


def test_chunks_in_bfloat16_are_no_further_from_float64_than_one_pass_is():
    model = text_model()

    def context():
        return torch.autocast("cpu", dtype=torch.bfloat16)

    _, exact = trained(CrossEntropy(chunk="off"), text_model().double())
    one, by_one = trained(CrossEntropy(chunk="off"), model, context)
    many, by_many = trained(CrossEntropy(chunk=7), model, context)
    torch.testing.assert_close(many, one, rtol=1e-5, atol=0)
    for name, truth in exact.items():
        error = (by_many[name] - truth).norm()
        assert error <= 1.2 * (by_one[name] - truth).norm() + 1e-6 * truth.norm(), name


def test_chunks_never_make_all_logits_and_auto_takes_them_for_large_ones_alone(monkeypatch):
    logits = WINDOWS * PLACES * VOCAB
    model = text_model()
    largest = {}
    for chunk in ("off", "auto", 4):
        with Largest() as mode:
            trained(CrossEntropy(chunk=chunk), model)
        largest[chunk] = mode.found
    assert largest["off"] >= logits
    assert largest["auto"] >= logits
    assert largest[4] < logits
    monkeypatch.setattr(chunked, "LARGE", logits)
    monkeypatch.setattr(chunked, "AT_ONCE", 8 * VOCAB)
    with Largest() as mode:
        trained(CrossEntropy(), model)
    assert mode.found < logits


def test_what_a_chunk_would_pass_by_is_computed_at_once():
    class Doubled(GPT):
        def forward(self, inputs):
            return 2.0 * super().forward(inputs)

    model = text_model()
    assert Predict(model).halves(windows()) is not None
    handle = model.head.register_forward_hook(lambda module, args, out: 2.0 * out)
    assert Predict(model).halves(windows()) is None
    handle.remove()
    model.__class__ = Doubled
    assert Predict(model).halves(windows()) is None
    assert Predict(Fixed()).halves(BATCH) is None
    seen, _ = trained(CrossEntropy(chunk=4), model)
    expected, _ = trained(CrossEntropy(chunk="off"), model)
    assert torch.equal(seen, expected)


def test_a_masked_answer_stays_impossible_with_chunks():
    model = text_model()
    allowed = torch.ones(WINDOWS, VOCAB, dtype=torch.bool)
    allowed[:, VOCAB // 2 :] = False
    batch = replace(windows(), targets=windows().targets % (VOCAB // 2), allowed=allowed)
    one, many = (CrossEntropy(chunk=chunk)(Predict(model), batch, Clock(0)) for chunk in ("off", 4))
    assert torch.equal(one["cross_entropy"], many["cross_entropy"])
