"""What becomes of weights: each step held to its definition, and a file that gives back what it was."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.parts.models import make
from torch.nn.utils import prune as torch_prune

from audition.config.members import members
from audition.deploy.cast import Round
from audition.deploy.model import Deployed, checked
from audition.deploy.package import Torch, as_file, deflated, from_file
from audition.deploy.prune import Narrow, Prune, Sparse
from audition.deploy.quantize import Noise, Quantize, on_grid
from audition.deploy.settle import Settle
from audition.deploy.stored import packed, unpacked
from audition.effects.quantization import rows_to
from audition.errors import AuditionError
from audition.training.derive import through

TOKENS = torch.arange(24).view(2, 12) % 11


@pytest.fixture(scope="module")
def settled():
    """A small model on its way out."""
    return Settle()(Deployed.of(make("causal", "rope", "rmsnorm qk", "swiglu", bias=True)))


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("attention", ["causal", "grouped", "fused", "linear"])
def test_a_settled_model_has_the_same_logits_to_the_bit(attention):
    model = make(attention, "rope", "rmsnorm qk", bias=True).eval()
    deployed = Settle()(Deployed.of(model))
    with torch.no_grad():
        assert torch.equal(deployed.runnable()(TOKENS), model(TOKENS))
    names = set(deployed.stored)
    assert "blocks.0.attention.qkv.weight" in names
    assert not any(".q." in name for name in names)
    assert deployed.stored["head.weight"] is not deployed.stored["embedding.weight"]
    assert any(".q." in name for name in model.state_dict()) == (attention != "fused")


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("group", [None, 8, 32])
def test_a_grid_moves_no_weight_by_more_than_half_a_step(bits, group):
    weight = drawn(6, 40)
    grid = on_grid(weight, bits, group)
    outer = 2 ** (bits - 1) - 1
    assert ((grid.dense() - weight).abs() <= 0.5001 * grid.spread()).all()
    assert grid.codes.abs().max() <= outer
    assert len(grid.codes.unique()) <= 2**bits - 1
    again = on_grid(grid.dense(), bits, group)
    torch.testing.assert_close(again.dense(), grid.dense(), rtol=2e-3, atol=0)


def test_a_group_of_a_whole_row_is_a_row():
    weight = drawn(6, 40)
    whole, row = on_grid(weight, 4, 40), on_grid(weight, 4)
    assert torch.equal(whole.codes, row.codes)
    torch.testing.assert_close(whole.dense(), row.dense(), rtol=2e-3, atol=0)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_what_training_with_the_grid_evaluates_is_what_is_deployed(bits):
    weight = drawn(6, 40)
    assert torch.equal(on_grid(weight, bits).dense(), rows_to(weight, bits))


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 8), st.integers(1, 40), st.integers(0, 99))
def test_codes_come_back_as_they_were_in_no_more_bytes_than_they_need(bits, count, seed):
    outer = 2 ** (bits - 1) - 1
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(-outer, outer + 1, (count,), generator=generator).to(torch.int8)
    content = packed(codes, bits)
    assert content.dtype == torch.uint8
    assert len(content) == -(-count * bits // 8)
    assert torch.equal(unpacked(content, bits, count), codes)


STEPS = {
    "fp32": (),
    "int8": (Quantize(bits=8),),
    "int3": (Quantize(bits=3),),
    "int4 g16": (Quantize(bits=4, group=16),),
    "bf16": (Round(),),
    "pruned": (Prune(amount=0.5), Sparse()),
    "pruned, int4": (Prune(amount=0.3), Sparse(), Quantize(bits=4)),
    "narrow, bf16": (Narrow(amount=0.25), Round(to="float16")),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_file_gives_back_what_was_stored(settled, name):
    deployed = settled
    for step in STEPS[name]:
        deployed = checked(step, name, deployed)
    content = as_file(deployed.stored)
    read = Deployed(deployed.model, from_file(content))
    for tensor, stored in deployed.stored.items():
        assert torch.equal(read.stored[tensor].dense(), stored.dense())
    with torch.no_grad():
        assert torch.equal(read.runnable()(TOKENS), deployed.runnable()(TOKENS))
    assert deflated(content) < len(content)
    with pytest.raises(AuditionError, match="this is no deployed model"):
        from_file(content[:-1])


def test_fewer_bits_take_fewer_bytes(settled):
    def size(*steps):
        deployed = settled
        for step in steps:
            deployed = step(deployed)
        return sum(
            x.numel() * x.element_size()
            for name in deployed.matrices()
            for x in deployed.stored[name].content().values()
        )

    whole = size()
    entries = whole // 4
    rows = sum(settled.stored[name].dense().shape[0] for name in settled.matrices())
    for bits in (2, 4, 8):
        assert size(Quantize(bits=bits)) == entries * bits // 8 + 4 * rows
    assert size(Round()) == whole // 2


@pytest.mark.parametrize("amount", [0.3, 0.5, 0.9])
def test_pruned_matrices_are_torchs_and_the_rest_is_whole(settled, amount):
    deployed = Prune(amount=amount)(settled)
    for name, stored in deployed.stored.items():
        weight = settled.stored[name].dense()
        if not name.startswith("blocks.") or name not in settled.matrices():
            assert torch.equal(stored.dense(), weight)
            continue
        module = torch.nn.Linear(weight.shape[1], weight.shape[0])
        module.weight.data = weight.clone()
        dropped = int(amount * weight.numel() + 1e-9)
        torch_prune.l1_unstructured(module, "weight", amount=dropped)
        assert torch.equal(stored.dense(), module.weight.detach())


def test_a_share_of_nothing_is_the_identity(settled):
    assert Prune(amount=0.0)(settled) is settled
    assert Narrow(amount=0.0)(settled) is settled
    with pytest.raises(AuditionError, match=r"deploy.prune changes nothing of this model"):
        checked(Prune(amount=0.0), "prune", settled)
    with pytest.raises(AuditionError, match=r"deploy.sparse changes nothing of this model"):
        checked(Sparse(), "sparse", settled)


def test_two_of_every_four_are_zero(settled):
    deployed = Prune(pattern="two_of_four")(settled)
    for name in deployed.matrices():
        if name.startswith("blocks."):
            fours = deployed.stored[name].dense().view(-1, 4)
            assert ((fours == 0).sum(1) == 2).all()
    with pytest.raises(AuditionError, match=r"prunes half, and amount=0\.3"):
        Prune(pattern="two_of_four", amount=0.3)(settled)


@pytest.mark.parametrize("feedforward", ["gelu", "swiglu"])
def test_a_narrow_model_is_the_one_whose_units_are_silent(feedforward):
    model = make("causal", "learned", "layernorm", feedforward, bias=True).eval()
    settled = Settle()(Deployed.of(model))
    narrow = Narrow(amount=0.25)(settled)
    whole = settled.runnable()
    for layer, block in enumerate(whole.blocks):
        kept = narrow.stored[f"blocks.{layer}.feedforward.up.weight"].dense()
        rows = block.feedforward.up.weight
        gone = [not any(torch.equal(row, other) for other in kept) for row in rows]
        assert sum(gone) == len(rows) // 4
        block.feedforward.down.weight[:, torch.tensor(gone)] = 0.0
    with torch.no_grad():
        torch.testing.assert_close(narrow.runnable()(TOKENS), whole(TOKENS), rtol=1e-5, atol=1e-6)


SHELF = [m for m in members("deploy") if not m.name.startswith("onnx")]


@pytest.mark.parametrize("member", SHELF, ids=[m.name for m in SHELF])
def test_every_way_of_the_shelf_deploys_a_model_with_zeros(member, settings_of):
    model = make("causal", "learned", "layernorm", width=64)
    with torch.no_grad():
        for block in model.blocks:
            block.feedforward.up.weight[:, ::2] = 0.0
    nodes = settings_of(member.chosen)["deploy"]
    deployed, package = through(nodes, Deployed.of(model))
    assert isinstance(package, Torch)
    whole, _ = through({"settle": nodes.get("settle")}, Deployed.of(model))
    smaller = len(as_file(deployed.stored)) < len(as_file(whole.stored))
    assert smaller != (member.name in ("fp32", "noise4"))
    with torch.no_grad():
        assert deployed.runnable()(TOKENS).isfinite().all()


def test_noise_has_the_size_of_the_step_and_no_grid(settled):
    noisy, grid = Noise(bits=4)(settled), Quantize(bits=4)(settled)
    for name in settled.matrices():
        weight, step = settled.stored[name].dense(), grid.stored[name].spread()
        moved = noisy.stored[name].dense() - weight
        assert (moved.abs() <= 0.5001 * step.view(weight.shape)).all()
        assert len(moved.unique()) > 0.9 * moved.numel()
    again = Noise(bits=4)(settled)
    assert torch.equal(again.stored["head.weight"].dense(), noisy.stored["head.weight"].dense())


def test_steps_leave_what_they_are_given_as_it_is(settled):
    before = {name: stored.dense().clone() for name, stored in settled.stored.items()}
    for step in (Quantize(), Prune(), Narrow(), Round(), Noise(), Settle()):
        step(settled)
    for name, stored in settled.stored.items():
        assert torch.equal(stored.dense(), before[name])
    assert settled.runnable().blocks[0].feedforward.up.out_features == len(
        before["blocks.0.feedforward.up.weight"]
    )
