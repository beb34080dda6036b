"""What transformers loads from a folder has the run's logits to the bit, whatever the model is."""

import ast
import json
import subprocess
import sys

import pytest
import torch

from audition.apoptosis.surgery import Weights, resize
from audition.errors import AuditionError
from audition.zoo import folder as folders
from audition.zoo import gpt2
from audition.zoo.folder import push, write_folder
from audition.zoo.gpt2 import is_gpt2
from audition.zoo.published import without_folders

pytest.importorskip(
    "transformers", reason="extra zoo is not installed: pip install 'audition[zoo]'"
)

GPT2 = {
    "plain": (),
    "tanh": ("feedforward.approximate=tanh",),
    "biases": ("model.bias=true", "norm.bias=true"),
    "own head": ("model.tied_head=false", "feedforward.ratio=3"),
    "fused": ("attention.fused_qkv=true",),
}
OTHERS = {
    "document 003": (
        "positional=rope",
        "norm=rmsnorm",
        "norm.query_key=true",
        "feedforward=squared_relu",
        "attention.kv_heads=1",
        "model.embedding_gain=sqrt_width",
    ),
    "shared layers": ("model.share_layers=2", "positional=alibi", "feedforward=swiglu"),
    "sandwich": ("norm.placement=sandwich", "model.tied_head=false", "positional=t5"),
    "head bias": ("model.head_bias=true",),
    "experts": ("feedforward=shared_moe", "positional=sinusoidal"),
    "delta": ("attention=delta", "positional=none"),
    "latent": ("attention=latent", "skip=gated", "skip.span=1"),
}


@pytest.mark.parametrize("overrides", GPT2.values(), ids=GPT2.keys())
def test_gpt2_is_gpt2(run_of, tmp_path, overrides):
    run = run_of(*overrides)
    written = write_folder(run, (), tmp_path / "gpt2")
    assert written.architecture == "GPT2LMHeadModel"
    assert written.difference == 0.0
    assert not list(written.path.glob("*.py"))


@pytest.mark.parametrize("overrides", OTHERS.values(), ids=OTHERS.keys())
def test_all_else_brings_its_own_code(run_of, tmp_path, overrides, request):
    run = run_of(*overrides)
    # Within a process transformers keeps the code of a folder by the folder's name.
    written = write_folder(run, (), tmp_path / request.node.callspec.id.replace(" ", "_"))
    assert written.architecture == "AuditionForCausalLM"
    assert written.difference == 0.0
    trees = [ast.parse(path.read_text()) for path in written.path.glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    absolute = {n.module for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
    named = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    packages = {str(module).partition(".")[0] for module in absolute | named}
    assert packages - set(sys.stdlib_module_names) == {"torch", "transformers"}


def test_a_resized_model_keeps_its_units(run_of, tmp_path):
    def widened(model):
        params = dict(model.named_parameters())
        weights = Weights(model, params, torch.optim.SGD(params.values(), lr=0.0))
        resize(weights, "blocks.1.feedforward", 24)
        return {"blocks.1.feedforward": 24}

    run = run_of(change=widened)
    assert not is_gpt2(run.model)
    assert write_folder(run, (), tmp_path / "resized").difference == 0.0


@pytest.mark.parametrize("left", ["attn.c_attn", "attn.c_proj", "mlp.c_fc"])
def test_a_map_that_is_left_untransposed_is_found(run_of, tmp_path, monkeypatch, left):
    """A square one has the right shape: only its logits tell."""
    maps = gpt2._maps

    def wrong(name, *given):
        for at, tensor in maps(name, *given):
            yield at, tensor.mT if name == left and tensor.ndim == 2 else tensor

    monkeypatch.setattr(gpt2, "_maps", wrong)
    with pytest.raises((AuditionError, RuntimeError), match=r"differ by|size mismatch|mismatch"):
        write_folder(run_of(), (), tmp_path / "wrong")


READ = """
import json, sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

place = sys.argv[1]
try:
    AutoModelForCausalLM.from_pretrained(place)
except ValueError as error:
    refused = str(error)
model = AutoModelForCausalLM.from_pretrained(place, trust_remote_code=True).eval()
tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=True)
text = "To be,  or not\\n\\nto be: that"
ids = tokenizer(text, return_tensors="pt").input_ids[:, :16]
with torch.no_grad():
    logits = model(ids).logits
    torch.manual_seed(0)
    told = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=20)
print(json.dumps({
    "ids": ids.tolist(), "logits": logits.tolist(), "text": tokenizer.decode(tokenizer(text).input_ids),
    "told": told.shape[1], "ours": "audition" in sys.modules,
    "refused": refused,
}))
"""


def test_a_fresh_process_loads_it_with_the_same_logits_and_ids(run_of, tmp_path):
    run = run_of(*OTHERS["document 003"])
    folder = write_folder(run, (), tmp_path / "fresh").path
    ended = subprocess.run(
        [sys.executable, "-P", "-c", READ, str(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout[ended.stdout.index("{") :])
    assert told["text"] == "To be,  or not\n\nto be: that"
    (ids,) = run.batches.tokenizer.encode([told["text"]])
    assert told["ids"] == [ids[:16].tolist()]
    with torch.no_grad():
        ours = run.model(torch.tensor(told["ids"]))
    assert torch.equal(torch.tensor(told["logits"]), ours)
    assert told["told"] == 36  # more tokens than the context has
    assert "trust_remote_code=True" in told["refused"]
    assert not told["ours"]


def test_byte_pairs_keep_their_ids(run_of, tmp_path):
    from transformers import AutoTokenizer

    run = run_of("data.tokenizer=bpe", "data.vocab_size=300")
    folder = write_folder(run, (), tmp_path / "bpe").path
    theirs = AutoTokenizer.from_pretrained(folder)
    for text in ("the king  of\n\nnaples", "é – 東"):
        assert theirs(text).input_ids == run.batches.tokenizer.encode([text])[0].tolist()
        assert theirs.decode(theirs(text).input_ids) == text


def test_the_card_has_the_results_and_the_metadata(run_of, tmp_path):
    from huggingface_hub import ModelCard

    run = run_of()
    folder = write_folder(run, (), tmp_path / "card").path
    card = ModelCard.load(folder / "README.md")
    (result,) = card.data.eval_results
    assert (result.metric_type, result.metric_value) == ("val_loss", 4.25)
    assert result.dataset_type == "shakespeare"
    assert card.data.pipeline_tag == "text-generation"
    assert "validation loss: 4.2500 nats/token (lower is better)" in card.text
    assert json.loads((folder / "verdict.json").read_text()) == []
    assert json.loads((folder / "repro.json").read_text())["run"]["key"] == run.record.key


def test_a_folder_of_ours_is_written_anew_and_another_is_left_alone(run_of, tmp_path):
    folder = tmp_path / "anew"
    write_folder(run_of("model.head_bias=true"), (), folder)
    assert (folder / "modeling_audition.py").is_file()
    again = write_folder(run_of(), (), folder)
    assert again.difference == 0.0
    assert not list(folder.glob("*.py"))
    (folder / "repro.json").unlink()
    with pytest.raises(AuditionError, match="holds other things"):
        write_folder(run_of(), (), folder)


def test_no_folder_of_the_machine_is_published():
    words = ("model=tiny", "paths.output_dir=/home/me", "hydra.sweep.dir=/tmp/x", "seed=1")
    assert without_folders(words) == ("model=tiny", "seed=1")


def test_what_cannot_be_published_is_a_sentence(run_of, tmp_path, monkeypatch):
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").touch()
    with pytest.raises(AuditionError, match="holds other things: choose an empty folder"):
        write_folder(run_of(), (), full)
    with pytest.raises(AuditionError, match="an idea of this run changes the model"):
        write_folder(run_of("+idea=stream_gate", "positional=rope"), (), tmp_path / "idea")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(AuditionError, match=r"pip install 'audition\[zoo\]'"):
        write_folder(run_of(), (), tmp_path / "without")
    assert not (tmp_path / "without").exists()


def test_a_push_without_a_network_is_one_sentence(tmp_path, monkeypatch):
    from huggingface_hub import HfApi

    nowhere = HfApi(endpoint="http://127.0.0.1:9", token="none")
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: nowhere)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(AuditionError, match=r"is whole and was not pushed .*hf upload me/model"):
        push(tmp_path, "me/model")
    assert folders.NEEDED.endswith("'audition[zoo]'")
