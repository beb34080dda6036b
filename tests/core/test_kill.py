"""Kill tests: what readings of a baseline come to, and how they are read from a run."""

import pytest
import torch

from audition.errors import AuditionError
from audition.recipe.effect import Effect
from audition.recipe.kill import KillTest
from audition.training.kill import kill_test


def a_test(watch=None, **changed):
    settings = {"meter": "x", "means": "x", "below": 1.0, "share": 0.5, **changed}
    return KillTest(watch=watch or Effect(), **settings)


@pytest.mark.parametrize(
    ("readings", "share", "kill"),
    [
        ([0.5, 0.5, 2.0, 2.0], 0.5, False),
        ([0.5, 0.5, 0.5, 2.0], 0.5, True),
        ([0.5, 2.0, 2.0, 2.0], 0.0, True),
        ([1.0, 1.0], 0.0, False),
        ([0.9] * 81 + [1.1] * 19, 0.8, True),
        ([0.9] * 80 + [1.1] * 20, 0.8, False),
    ],
)
def test_more_than_the_share_of_the_steps_kills(readings, share, kill):
    assert a_test(share=share).decide(readings).kill is kill


def test_the_sentence_has_the_numbers():
    assert a_test(means="the speed", share=0.8).decide([0.5, 3.0]).sentence == (
        "the speed is below 1 on 50 % of 2 steps (median 1.8), and more than 80 % kill the idea"
    )


@pytest.mark.parametrize(
    ("readings", "said"), [([], "no step had"), ([1.0, float("nan")], "not f")]
)
def test_nothing_measured_decides_nothing(readings, said):
    with pytest.raises(AuditionError, match=said):
        a_test().decide(readings)


def test_the_gate_is_not_killed_by_a_baseline_whose_halves_agree(settings_of):
    settings = settings_of("+idea=spectral_gate", "ideas.spectral_gate.every=1")
    found = kill_test(settings, "spectral_gate", 4)
    assert not found.kill
    assert "on 0 % of 4 steps" in found.sentence


def test_an_idea_without_one_says_its_criterion_in_words(settings_of):
    with pytest.raises(AuditionError, match=r"of 'placebo' is not computed .* in words: none; it"):
        kill_test(settings_of("+idea=placebo"), "placebo", 1)


def test_the_baseline_is_trained_as_it_is(settings_of, trained, monkeypatch, weights_of):
    """It is watched and left alone, with the schedule of the whole run, for as many steps as asked."""
    kept = []

    class Watch(Effect):
        def on_weights(self, params, state, view):
            kept.append((view.clock, {name: p.clone() for name, p in params.items()}))
            return params, len(kept)

        def meters(self, state):
            return {} if state < 3 else {"x": float(state)}

    class Idea:
        def kill(self):
            return a_test(Watch(), below=5.0)

    monkeypatch.setattr("audition.training.kill.construct", lambda node: Idea())
    found = kill_test(settings_of("+idea=placebo"), "placebo", 6)
    assert "on 50 % of 4 steps" in found.sentence
    baseline = weights_of(trained())
    assert all(torch.equal(baseline[name], p) for name, p in kept[-1][1].items())
    assert [clock.step for clock, _ in kept] == list(range(6))
    kept.clear()
    kill_test(settings_of("+idea=placebo"), "placebo", 4)
    assert [(clock.step, clock.steps) for clock, _ in kept] == [(s, 6) for s in range(4)]
