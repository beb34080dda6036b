"""The attention kernel that serves reduced precision on a CPU, against the stock one."""

import pytest
import torch
from torch.nn import functional as F

from audition.parts.attention.kernels import LONGEST_PRODUCTS, attend, by_products, products


def made(places=16, heads=4, shared=4, channels=8, dtype=torch.float64):
    draw = torch.Generator().manual_seed(0)
    shapes = ((2, heads), (2, shared), (2, shared))
    return [torch.randn(*s, places, channels, generator=draw, dtype=dtype) for s in shapes]


def exact(q, k, v, seen=None):
    q, k, v = (x.double() for x in (q, k, v))
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=seen, is_causal=seen is None, enable_gqa=k.shape[1] != q.shape[1]
    )


@pytest.mark.parametrize("shared", [4, 2, 1])
def test_products_are_attention_to_the_rounding_of_bfloat16(shared):
    q, k, v = (x.bfloat16() for x in made(shared=shared))
    ours = products(q, k, v, seen=None, dropout=0.0)
    assert ours.dtype == torch.bfloat16
    assert torch.allclose(ours.double(), exact(q, k, v), atol=0.03)


def test_products_of_a_window():
    q, k, v = (x.bfloat16() for x in made())
    back = torch.arange(16)[:, None] - torch.arange(16)[None, :]
    seen = (back >= 0) & (back < 5)
    ours = products(q, k, v, seen=seen, dropout=0.0)
    assert torch.allclose(ours.double(), exact(q, k, v, seen), atol=0.03)
    assert not torch.allclose(ours.double(), exact(q, k, v), atol=0.03)


def test_gradients_are_as_near_the_truth_as_the_stock_kernel_s():
    """Rounding the scores costs no more than the rounding of queries and keys already did."""
    errors = {}
    q, k, v = made(places=64)
    truth = [x.clone().requires_grad_() for x in (q, k, v)]
    exact(*truth).square().sum().backward()
    stock = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)  # noqa: E731
    ours = lambda q, k, v: products(q, k, v, seen=None, dropout=0.0)  # noqa: E731
    for name, kernel in (("stock", stock), ("ours", ours)):
        rough = [x.bfloat16().requires_grad_() for x in (q, k, v)]
        kernel(*rough).float().square().sum().backward()
        errors[name] = sum(
            (r.grad.double() - t.grad).norm() / t.grad.norm()
            for r, t in zip(rough, truth, strict=True)
        )
    assert errors["ours"] < 2 * errors["stock"]


def test_nobody_sees_the_future():
    q, k, v = (x.bfloat16() for x in made())
    v.requires_grad_()
    products(q, k, v, seen=None, dropout=0.0)[:, :, 7].sum().backward()
    assert v.grad[:, :, 8:].eq(0).all()
    assert v.grad[:, :, :8].ne(0).all()


def test_dropout_keeps_the_mean():
    q, k, v = (x.bfloat16() for x in made())
    v = torch.ones_like(v)
    torch.manual_seed(0)
    dropped = torch.stack([products(q, k, v, seen=None, dropout=0.5) for _ in range(200)]).float()
    assert dropped.std() > 0.1
    assert dropped.mean() == pytest.approx(1.0, abs=0.02)


def test_full_precision_and_long_contexts_go_to_the_stock_kernel():
    q, k, v = made(dtype=torch.float32)
    assert not by_products(q)
    assert torch.equal(attend(q, k, v), F.scaled_dot_product_attention(q, k, v, is_causal=True))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert by_products(q)
        assert not by_products(torch.empty(1, 1, LONGEST_PRODUCTS + 1, 8))
    assert by_products(q.bfloat16())
    assert not by_products(torch.empty(1, 1, 8, 8, dtype=torch.bfloat16, device="meta"))


def test_a_pack_on_a_card_takes_products_in_float32(monkeypatch):
    """Compiled, the fused kernel's backward pass refuses a pack's strides there."""
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda kind: False)
    chosen = []

    def note(q):
        chosen.append(by_products(q))
        return q

    runs = torch.empty(3, 1, 2, 8, 4, device="meta")
    torch.func.vmap(note)(runs)
    torch.func.vmap(note)(runs.bfloat16())
    note(runs[0])
    torch.func.vmap(note)(torch.empty(3, 1, 2, LONGEST_PRODUCTS + 1, 4, device="meta"))
    assert chosen == [True, False, False, False]
