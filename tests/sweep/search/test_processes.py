"""Several processes serve one study, one of them is killed, and what it held is done by another."""

import signal
from pathlib import Path

import pytest
from study_servers import serve, states, study_at, trained, until
from warm import PATIENCE_S, Warm


@pytest.mark.parametrize("second", [True, False], ids=["beside a second", "and resumed"])
def test_what_a_killed_process_held_is_done_once(
    tmp_path: Path, cache_dir: str, warm: Warm, second: bool
) -> None:
    first = serve(warm, tmp_path, cache_dir, 8, 0.2)
    until(first, tmp_path, 2)
    if second:
        other = serve(warm, tmp_path, cache_dir, 8, 0.2)
        until(first, tmp_path, 4)
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stdout.close()
    first.stderr.close()
    if not second:
        assert states(study_at(tmp_path))["RUNNING"] > 0
        other = serve(warm, tmp_path, cache_dir, 8, 0.01)
    _, said = other.communicate(timeout=PATIENCE_S)
    assert other.returncode == 0, said
    study = study_at(tmp_path)
    assert states(study) == {"COMPLETE": 8}
    assert [t for t in study.trials if t.user_attrs.get("lost")]
    assert set(trained(tmp_path).values()) == {1}  # what had ended came from the ledger
    assert study.trials[0].params == {"optimizer.lr": 0.004}
    assert list((tmp_path / "studies").glob("*.servers/*/claim*")) == []
