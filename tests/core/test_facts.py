"""What a run leaves besides its metrics: a digest of its weights, and where it was made."""

import os

import torch

from audition.recipe.weights import digest
from audition.training.attempt import surroundings


def test_every_run_says_where_it_was_made(settings_of):
    origin = surroundings(settings_of())
    assert origin["arithmetic"] == {
        "device": "cpu",
        "threads": 1,
        "precision": "audition.execution.Float32",
        "torch": torch.__version__,
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }
    assert origin["hardware"]["cores"] == os.cpu_count()


def test_a_digest_is_of_names_and_bits():
    one, other = torch.ones(2, 3), torch.zeros(())
    weights = {"a": one, "b": other.bfloat16()}
    assert digest(weights) == digest(dict(reversed(weights.items())))
    turned = one.clone()
    turned.view(torch.int32)[1, 2] ^= 1
    changed = [
        {"a": turned, "b": weights["b"]},
        {"a": one, "c": weights["b"]},
        {"a": one.T, "b": weights["b"]},
        {"a": one, "b": other},
    ]
    assert len({digest(w) for w in [weights, *changed]}) == 5
