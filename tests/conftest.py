"""One small run, made as the command line makes it: composed, checked, built and trained."""

import gc
import os
import signal
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import standins
import torch
from cost_by_room import CostByRoom
from held import held
from hydra import initialize_config_dir
from torch import Tensor
from warm import Warm

from audition import frozen
from audition.config.root import check, conf_dir
from audition.sweep.compose import Composer
from audition.sweep.layers import Layers
from audition.training.build import build
from audition.training.job import Job, Outcome
from audition.training.loop import train

SMALL = (
    "model=tiny",
    "model.context=16",
    "data.batch_size=4",
    "data.evaluation_tokens=512",
    "budget.steps=6",
    "training.evaluations=3",
)
PICTURES = {"experiment=digits", "task=mixture", "task=episodes"}
SMALL_PICTURES = ("data.batch_size=8", "budget.steps=6", "training.evaluations=3")
STREAM = "task=stream"
SMALL_STREAM = (*SMALL_PICTURES, "task.phases=3")


LONGEST = (
    "cli/test_wrong_commands.py",
    "slurm/test_array.py",
    "slurm/test_left_alone.py",
    "laws/test_laws.py",
    "shelf/test_new.py",
    "laws/test_conf.py",
    "slurm/test_nodes.py",
    "cli/test_doors.py",
    "sweep/test_layers.py",
    "core/test_packing.py",
    "cli/test_mistakes.py",
    "cli/test_edited.py",
    "core/test_identity.py",
    "cli/test_notices.py",
    "cli/test_encodings.py",
    "trackers/test_mlflow.py",
    "cli/test_diverged.py",
    "report/test_figures.py",
    "cli/test_faults.py",
    "report/test_page.py",
    "report/test_export.py",
    "sweep/search/test_trial_queue.py",
    "core/test_prepare.py",
    "parallel/test_launch.py",
    "parallel/test_shards.py",
)
"""Files of tests that take longest, or wait most, as measured: they begin first, the longest of them
foremost, so that none is left to one worker at the end."""
TOGETHER = {
    "tests/parallel/test_shards.py": "two ranks",
    "tests/parallel/test_two.py": "two ranks",
    "tests/slurm/test_array.py": "a Slurm",
    "tests/slurm/test_survival.py": "a Slurm",
    "tests/slurm/test_left_alone.py": "another Slurm",
    "tests/slurm/test_search_jobs.py": "another Slurm",
}
"""Files that one worker of pytest-xdist does, for what their tests share is dear."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest begin, each with those that it is done together with."""
    places = {f"tests/{file}": place for place, file in enumerate(LONGEST)}
    first: dict[str, int] = {}
    for file, place in places.items():
        first.setdefault(TOGETHER.get(file, file), place)

    def place(item: pytest.Item) -> int:
        file = item.nodeid.partition("::")[0]
        return first.get(TOGETHER.get(file, file), len(LONGEST))

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Parameters of many tests are read from the sources."""
    with held():
        return (yield)


def pytest_collection_finish() -> None:
    """What was imported stays: to look through it for garbage is a seventh of the tests' CPU time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file stays on one worker, with what it makes once.

    Not by marks of `--dist loadgroup`: pytest-xdist 3.8 writes them into the ids of tests, which
    pytest 9 does not read.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return TOGETHER.get(file, file)

        def remove_node(self, node: Any) -> str | None:
            """The test in which a worker crashed, if it did: it has failed, and is not begun again."""
            files = self.assigned_work.pop(node)
            left = [(tests, t) for tests in files.values() for t, done in tests.items() if not done]
            if not left:
                return None
            tests, crashed = left[0]
            tests[crashed] = True
            self.workqueue.update({f: of for f, of in files.items() if not all(of.values())})
            for other in self.nodes:
                self._reschedule(other)
            return crashed

        def _reschedule(self, node: Any) -> None:
            """More work, for a worker that has collected and is not asked to end.

            A worker keeps its last test back until it has another or is to end: without that, one
            that got the last file after a crash would wait for ever.
            """
            if node in self.registered_collections and not node.shutting_down:
                super()._reschedule(node)
                if not self.workqueue:
                    node.shutdown()

    return ByFile(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """A shell lets what it starts in the background ignore Ctrl-C, and so what that starts, too;
    `nohup` does so with the end of a terminal."""
    config.pluginmanager.register(CostByRoom())
    gc.set_threshold(50_000, 20, 50)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _as_the_files_are() -> Iterator[None]:
    """A command that ran in this process no longer holds the sources that it froze."""
    with frozen.as_before():
        yield


@pytest.fixture(scope="session")
def common_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of pytest-xdist share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def warm(common_folder: Path) -> Iterator[Warm]:
    """Starts commands of Audition quickly, as processes of their own."""
    own = Warm(common_folder)
    yield own
    own.close()


@pytest.fixture(scope="session")
def cache_dir(common_folder: Path) -> str:
    """Tokenised text, made once for all tests."""
    return str(common_folder / "cache")


@pytest.fixture
def few_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts of a few documents each."""
    standins.few_documents(monkeypatch)


class Believed(Layers):
    """Kinds of command lines are not each held against Hydra: `sweep/test_layers` does that."""

    def _is_hydras(self, *kind: object) -> bool:
        return True


@pytest.fixture(scope="session")
def session_composer(cache_dir: str) -> Composer:
    """Reads the files of `conf/` once for all tests; for use inside an initialised Hydra."""
    composer = Composer("audition", (f"paths.cache_dir={cache_dir}",))
    vars(composer)["_layers"] = Believed(composer.config_name, composer.hydra_overrides)
    return composer


@pytest.fixture(scope="session")
def settings_of(session_composer: Composer) -> Callable[..., dict[str, Any]]:
    """Overrides -> the checked settings of a small run; an override of SMALL's keys wins."""

    @cache
    def compose(*overrides: str) -> dict[str, Any]:
        with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())), held():
            return check(session_composer(overrides))

    def composed(*overrides: str, base: tuple[str, ...] | None = None) -> dict[str, Any]:
        small = SMALL_PICTURES if PICTURES & {*overrides} else SMALL
        small = SMALL_STREAM if STREAM in overrides else small
        base = small if base is None else base
        return compose(*base, "execution.device=cpu", "precision=fp32", *overrides)

    return composed


@pytest.fixture(scope="session")
def job_of(settings_of: Callable[..., dict[str, Any]]) -> Callable[..., Job]:
    """Overrides -> a job of its own, ready to be trained."""
    return lambda *overrides, **base: build(settings_of(*overrides, **base))


@pytest.fixture(scope="session")
def trained(job_of: Callable[..., Job]) -> Callable[..., Outcome]:
    """Overrides -> the outcome of a small run, trained once a session: look, never touch."""
    return cache(lambda *overrides: train(job_of(*overrides)))


def unlike(a: Any, b: Any, where: str = "") -> Iterator[str]:
    """Where two trees of containers, numbers and tensors do not have the same bits."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if a.dtype != b.dtype or not torch.equal(a, b):
            yield where
    elif isinstance(a, Mapping) and isinstance(b, Mapping):
        if list(a) != list(b):
            yield f"{where}: {list(a)} and {list(b)}"
        for key in a.keys() & b.keys():
            yield from unlike(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple):
        if len(a) != len(b):
            yield f"{where}: {len(a)} and {len(b)} long"
        for i, (x, y) in enumerate(zip(a, b, strict=False)):
            yield from unlike(x, y, f"{where}[{i}]")
    elif type(a) is not type(b) or a != b:
        yield f"{where}: {a!r} and {b!r}"


@pytest.fixture(scope="session")
def differences() -> Callable[[Any, Any], list[str]]:
    """The places where two trees differ in a bit, empty when they are the same."""
    return lambda a, b: list(unlike(a, b))


@pytest.fixture(scope="session")
def weights_of() -> Callable[[Outcome], dict[str, Tensor]]:
    """An outcome's final weights."""
    return lambda outcome: outcome.session.model.state_dict()
