"""Chains as a config says them: nested, reordered, edited from the command line, and written back."""

import pytest
import yaml
from held import held

from audition.config.chains import CHAINED, chain, opened
from audition.config.identity import identify
from audition.config.members import members
from audition.errors import AuditionError
from audition.recipe.effect import Chain
from audition.recipe.mix import Mix
from audition.recipe.written import nodes_of
from audition.training.build import build, named

CEILINGS = "preset=saturation_limiter"
PRESETS = {m.name: (m.chosen, *m.needs) for m in members("preset")}


def made(nodes):
    return Chain(named(chain(nodes, None)))


@pytest.mark.parametrize("preset", PRESETS)
def test_yaml_to_chain_to_yaml_is_a_fixed_point(preset, settings_of):
    """Where functions make the chain, as `between` does, it is one from their result on."""
    nodes = settings_of(*PRESETS[preset])["effects"]
    with held():
        written = nodes_of(made(nodes))
        again = chain(yaml.safe_load(yaml.safe_dump(plain(written))), None)
        assert again == written
        assert nodes_of(made(again)) == written
    if preset != "between":
        assert written == nodes


def plain(value):
    """Without tuples, which yaml has not."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, tuple | list) else value


def test_a_chain_is_edited_from_the_command_line(settings_of):
    edited = settings_of(
        CEILINGS,
        "+preset@effects=sam",  # added behind the last
        "+preset@effects.averages=ema",  # added as a chain of its own
        "effects.averages.ema.decay=0.5",  # changed
        "~effects.saturation",  # removed
        "effects.averages.wet=0.5",
        "effects.order=[averages,sam,limiter]",  # reordered
    )
    found = build(edited).recipe.effects
    assert list(found.members) == ["averages", "sam", "limiter"]
    averages = found.members["averages"]
    assert isinstance(averages, Mix)
    assert averages.wet == 0.5
    assert isinstance(averages.effect, Chain)
    assert averages.effect.members["ema"].decay == 0.5


def test_another_order_is_another_run_inside_chains_too(settings_of):
    hashes = [
        identify(settings_of(*words)).config_hash
        for words in (
            (CEILINGS,),
            (CEILINGS, "effects.order=[limiter,saturation]"),
            ("preset=none", "+preset@effects.inner=saturation_limiter"),
            (
                "preset=none",
                "+preset@effects.inner=saturation_limiter",
                "effects.inner.order=[limiter,saturation]",
            ),
        )
    ]
    assert len(set(hashes)) == 4
    assert (
        identify(settings_of(CEILINGS, "effects.order=[saturation,limiter]")).config_hash
        == hashes[0]
    )


def test_checked_nodes_pass_unchanged():
    limiter = {"_target_": "audition.effects.limiter.Limiter", "wet": 0.5}
    once = chain({"inner": {"limiter": limiter}, "none": {}, "order": ["none", "inner"]}, None)
    assert list(once) == ["none", "inner"]
    assert once["none"] == {"_target_": CHAINED, "members": {}}
    assert chain(once, None) == once


def test_wet_bypass_and_order_need_no_plus():
    words = ["effects.a.b.c.wet=0.5", "effects.order=[a]", "effects.a.order=[b]", "effects.a.b=1"]
    assert opened(words) == [*(f"++{word}" for word in words[:3]), words[3]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("effects.order=[limitr,saturation]",), "there is no 'limitr'; did you mean 'limiter'"),
        (("effects.order=[limiter]",), "names each effect once: saturation, limiter"),
        (("effects.order=limiter",), "names each effect once"),
        (("effects.limitr.wet=1",), r"unknown key 'effects\.limitr'"),
        (
            ("+preset@effects.inner=ema", "effects.inner.emma.wet=1"),
            r"unknown key 'effects\.inner\.emma'",
        ),
        (("+effects.inner.x=1",), r"effects\.inner has no _target_"),
    ],
)
def test_mistakes_are_named(words, said, settings_of):
    with pytest.raises(AuditionError, match=said):
        settings_of(CEILINGS, *words)


def test_phases_of_a_config_are_chains_that_are_edited_alike(settings_of):
    words = (
        "preset=phases",
        "preset@effects.phases.chains.explore=saturation_limiter",
        "effects.phases.chains.explore.order=[limiter,saturation]",
        "effects.phases.chains.explore.limiter.ceiling=0.5",
    )
    phases = build(settings_of(*words)).recipe.effects.members["phases"]
    explore = phases.chains.members["explore"]
    assert list(explore.members) == ["limiter", "saturation"]
    assert explore.members["limiter"].ceiling == 0.5
