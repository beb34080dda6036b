"""What is refused before anything has started, and what `parallel` means to the rest of the house."""

import math
from collections.abc import Mapping

import pytest
import torch
from tests.parallel.conftest import DDP

from audition.config.identity import identify
from audition.config.instantiate import construct
from audition.errors import AuditionError
from audition.parallel import checks, ranks
from audition.parallel.checks import check_cards, check_interface, check_parallel
from audition.parallel.team import ALONE, Team
from audition.recipe.gradient import backward
from audition.sweep import check, local
from audition.sweep.arms import Question
from audition.sweep.plan import make_plan
from audition.sweep.pool.job import PoolSettings
from audition.training.build import build


def test_one_process_is_the_baseline(trained, weights_of, differences):
    one = trained("parallel=ddp", "parallel.processes=1")
    assert not differences(weights_of(one), weights_of(trained()))
    assert one.final == trained().final


def test_alone_nothing_is_done_to_anything(job_of):
    job = job_of()
    tensor, batches = torch.ones(3), iter(())
    assert job.recipe.gradient is backward
    assert job.team is ALONE
    assert ALONE.sum(tensor) is tensor
    assert ALONE.share(batches) is batches
    assert (ALONE.any(True), ALONE.any(False), ALONE.longest(2.5)) == (True, False, 2.5)
    node = {"_target_": "audition.parallel.alone.Alone"}

    def entry(payload: Mapping[str, object], team: Team, tell: object, wish: object):
        return payload, team, tell, wish

    assert construct(node).carry_out(entry, {"a": 1}, 2, 3) == ({"a": 1}, ALONE, 2, 3)


def test_it_is_part_of_what_a_run_is(settings_of):
    names = {
        identify(settings_of(*words)).config_hash
        for words in (
            (),
            ("parallel=none",),
            ("parallel=ddp",),
            ("parallel=ddp", "parallel.processes=4"),
            ("parallel=ddp", "parallel.processes=4", "parallel.nodes=2"),
            ("parallel=fsdp",),
        )
    }
    assert len(names) == 5
    assert identify(settings_of()) == identify(settings_of("parallel=none"))


def test_a_shared_run_is_not_trained_as_another(settings_of):
    with pytest.raises(AuditionError, match=r"parallel\.processes=2, .* trained in 1 here"):
        build(settings_of(*DDP))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("parallel=ddp", "parallel.processes=3"),
            r"data\.batch_size=4 cannot be shared equally by parallel\.processes=3: "
            r"choose from: 1, 2, 4, or another batch size",
        ),
        (("parallel=ddp", "parallel.processes=0"), r"parallel\.processes=0 is out of range"),
        (("parallel=ddp", "+parallel.ranks=2"), r"parallel\.ranks is not a setting"),
    ],
)
def test_a_mistake_is_named_before_anything_starts(settings_of, words, said):
    with pytest.raises(AuditionError, match=said):
        check_parallel(settings_of(*words))


def test_a_torchrun_of_the_users_own(settings_of, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    check_parallel(settings_of())
    check_parallel(settings_of("parallel=ddp", "parallel.processes=1"))
    with pytest.raises(AuditionError, match=r"one of 4 .*WORLD_SIZE.*: leave torchrun out"):
        check_parallel(settings_of("parallel=ddp"))
    monkeypatch.setenv("WORLD_SIZE", "1")
    check_parallel(settings_of("parallel=ddp"))


def test_every_arm_is_checked(settings_of):
    question = Question((), (), (42,))
    with pytest.raises(AuditionError, match="cannot be shared equally"):
        make_plan(question, lambda words: settings_of("parallel=ddp", "data.batch_size=5"))


@pytest.mark.parametrize(("cards", "fits"), [(1, False), (2, True), (8, True)])
def test_a_card_each(settings_of, monkeypatch, cards, fits):
    monkeypatch.setattr(checks, "gpus", lambda: tuple(range(cards)))
    settings = dict(settings_of("parallel=ddp"))
    check_cards(settings)
    settings["execution"] = {**settings["execution"], "device": "cuda"}
    if fits:
        check_cards(settings)
    else:
        with pytest.raises(AuditionError, match=r"parallel\.processes=2 .* this machine has 1"):
            check_cards(settings)


class Planned:
    """As much of a planned run as a pool looks at."""

    def __init__(self, settings):
        self.settings = settings


@pytest.mark.parametrize(
    ("cards", "device", "processes", "workers"),
    [(0, "cpu", 2, 4), (0, "cpu", 3, 2), (0, "cpu", 16, 1), (5, "cuda", 2, 2), (4, "cuda", 1, 4)],
)
def test_the_pool_makes_room(settings_of, monkeypatch, cards, device, processes, workers):
    for module in (local, checks, check):
        monkeypatch.setattr(module, "gpus", lambda: tuple(range(cards)))
    for module in (local, check):
        monkeypatch.setattr(module, "cores", lambda: 8)
    settings = settings_of("parallel=ddp", f"parallel.processes={processes}")
    execution = {**settings["execution"], "device": device}
    runs = [Planned(settings_of()), Planned({**settings, "execution": execution})]
    assert local.pool_settings(execution, runs=runs).workers == workers


def test_a_run_is_dealt_its_cards_together():
    settings = PoolSettings(workers=4, gpus=(0, 1, 2, 3, 4), gpus_per_run=2, runs_per_gpu=2)
    assert settings.slots(None) == ["0,1", "2,3", "0,1", "2,3"]
    assert settings.slots("7,1,5,0,3")[:2] == ["7,1", "5,0"]


def test_buckets_keep_order_and_dtype(monkeypatch):
    monkeypatch.setattr(ranks, "BUCKET", 10)
    sizes = [4, 4, 4, 20, 1, 9, 1]
    tensors = [torch.full((n,), math.pi) for n in sizes]
    tensors[-1] = tensors[-1].double()
    found = list(ranks.buckets(tensors))
    assert [[t.numel() for t in bucket] for bucket in found] == [[4, 4], [4], [20], [1, 9], [1]]
    assert [id(t) for bucket in found for t in bucket] == [*map(id, tensors)]
    assert not list(ranks.buckets([]))


def test_an_interface_that_is_not_here_is_named_before_the_run(settings_of, monkeypatch):
    monkeypatch.setattr(checks.socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0")])
    monkeypatch.setenv(checks.INTERFACE, "eth1")
    check_interface(settings_of())  # of one process, which meets nobody
    shared = settings_of("parallel=ddp")
    said = r"GLOO_SOCKET_IFNAME=eth1: .* interface 'eth1'; did you mean 'eth0'\? choose from: eth0, lo;"
    with pytest.raises(AuditionError, match=said):
        check_interface(shared)
    with pytest.raises(AuditionError, match=said):
        local.pool_settings(shared["execution"], runs=[Planned(shared)])
    for fine in ("eth0", "lo,eth0", ""):
        monkeypatch.setenv(checks.INTERFACE, fine)
        check_interface(shared)
