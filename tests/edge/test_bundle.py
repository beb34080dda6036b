"""A bundle gives the trained run's answers, is the file that was judged, and knows its own host."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.records.contents import contents_of
from audition.records.devices import DEVICES, file_row
from audition.records.record import Record

pytest.importorskip(
    "onnxruntime", reason="extra edge is not installed: pip install 'audition[edge]'"
)
pytest.importorskip(
    "onnxscript", reason="extra edge is not installed: pip install 'audition[edge]'"
)

from audition.edge.bundle import SMALLEST, write_bundle
from audition.zoo.published import published, trained_run

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def session_ledger(tmp_path_factory):
    from audition.records.store import Ledger

    return Ledger(tmp_path_factory.mktemp("edge") / "ledger")


@pytest.fixture(scope="module")
def trained(settings_of, session_ledger):
    """A trained run, and int8 made of it by `deploy=`, in one ledger."""
    from audition.sweep.arms import Arm, Question
    from audition.sweep.derived import prepared, with_parents
    from audition.sweep.plan import make_plan
    from audition.training.run import perform

    def composed(overrides):
        settings = dict(settings_of(*overrides))
        settings["paths"] = {**settings["paths"], "output_dir": str(session_ledger.root)}
        return {**settings, "baseline": None}

    question = Question((), (Arm("int8", ("deploy=onnx_int8",)),), (1,))
    plan = with_parents(prepared(make_plan(question, composed), ()), contents_of(session_ledger))
    for run in plan.untrained(session_ledger.read()):
        perform(run.spec({}), lambda told: None)
    plan = with_parents(plan, session_ledger.read())
    for run in plan.runs:
        perform(run.spec({}), lambda told: None)
    contents = contents_of(session_ledger)
    record = trained_run(session_ledger, contents, "baseline/1")
    return published(session_ledger, record, ("audition.",)), contents.records


@pytest.fixture(scope="module")
def whole(trained, tmp_path_factory):
    run, records = trained
    return write_bundle(run, "fp32", records, tmp_path_factory.mktemp("bundle") / "fp32")


def test_the_round_trip_has_the_loss_of_the_record(trained, whole):
    run, _ = trained
    assert whole.measures["val_loss"] == pytest.approx(run.record.metrics["val_loss"], abs=1e-6)
    assert not whole.judged
    vector = np.load(whole.folder / "vector.npz")
    with torch.no_grad():
        ours = run.model(torch.from_numpy(vector["tokens"]))
    np.testing.assert_allclose(vector["logits"], ours.numpy(), atol=1e-5, rtol=0)
    told = json.loads((whole.folder / "bundle.json").read_text())
    assert told["tolerance"] == SMALLEST
    assert told["weights"] == run.record.weights


def test_int8_is_the_file_that_was_judged(trained, tmp_path):
    run, records = trained
    made = write_bundle(run, "int8", records, tmp_path / "int8")
    (derived,) = (r for r in records if r.parent)
    assert made.judged
    assert made.measures["val_loss"] == derived.metrics["val_loss"]
    judged = run.ledger.folder_of(derived) / "model.onnx"
    assert (made.folder / "model.onnx").read_bytes() == judged.read_bytes()


def bench(folder, *words):
    line = [sys.executable, "bench.py", "--repeats", "2", *words]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)


def test_a_host_is_no_device_and_the_two_stand_apart(trained, whole, capsys, tmp_path):
    run, _ = trained
    root = run.ledger.root
    assert whole.host.where == "host"
    assert whole.host.logits_ok
    assert not whole.host.processor.isdigit()
    source = (whole.folder / "bench.py").read_text()
    imported = {line.split()[1] for line in source.splitlines() if line.startswith("import ")}
    ours = imported - set(sys.stdlib_module_names)
    assert ours == {"numpy", "onnxruntime"}
    told = json.loads((whole.folder / "host.json").read_text())
    away = {**told, "where": "device", "machine": "another", "processor": "Cortex-A76"}
    (tmp_path / "device.json").write_text(json.dumps(away))
    carry_out(["edge", "add", str(tmp_path / "device.json"), "--output-dir", str(root)])
    carry_out(["edge", "add", str(tmp_path / "device.json"), "--output-dir", str(root)])
    capsys.readouterr()
    carry_out(["edge", "--output-dir", str(root)])
    devices, hosts = capsys.readouterr().out.split("Hosts, the machines that made the bundles")
    assert "Cortex-A76" in devices
    assert "Cortex-A76" not in hosts
    assert "baseline/1" in hosts
    kinds = [row.where for row in DEVICES.read(root)[0]]
    assert kinds.count("device") == 1
    assert all(isinstance(record, Record) for record in contents_of(run.ledger).records)


def test_a_file_that_was_changed_is_refused_by_the_bench(whole, tmp_path):
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(whole.folder, folder)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"\0")
    ended = bench(folder)
    assert ended.returncode == 1
    assert "model.onnx is not the file of this bundle" in ended.stderr
    shutil.copyfile(whole.folder / "model.onnx", folder / "model.onnx")
    told = json.loads((folder / "bundle.json").read_text())
    told |= {"tolerance": -1.0, "made_on": "elsewhere"}
    (folder / "bundle.json").write_text(json.dumps(told))
    ended = bench(folder, "--out", "device.json")
    assert ended.returncode == 1
    row = json.loads((folder / "device.json").read_text())
    assert (row["where"], row["logits_ok"]) == ("device", False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("baseline/1", "--deploy", "int7"), "--deploy int7 is no way to bundle.*int8"),
        (("baseline/9",), "no run 'baseline/9'"),
        (("baseline/1", "baseline/2"), "one run makes a bundle"),
        (("add",), "needs the device.json"),
        (("add", "nothing.json"), "there is no nothing.json"),
    ],
)
def test_mistakes_are_sentences(trained, words, said):
    run, _ = trained
    with pytest.raises(AuditionError, match=said):
        carry_out(["edge", *words, "--output-dir", str(run.ledger.root)])


def test_another_file_is_no_bench(trained, tmp_path):
    run, _ = trained
    for text, why in (
        ("{", "is not complete JSON"),
        ('{"where": "device"}', "lacks|was not written"),
    ):
        (tmp_path / "device.json").write_text(text)
        with pytest.raises(AuditionError, match=why):
            file_row(run.ledger.root, tmp_path / "device.json")
