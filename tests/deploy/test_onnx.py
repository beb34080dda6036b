"""ONNX Runtime computes what torch does, its integers are where they should be, nothing is skipped."""

from importlib.util import find_spec

import pytest
import torch
from tests.parts.models import make

from audition.deploy.model import Deployed
from audition.deploy.onnx import MADE, Onnx, check_replaced, operators
from audition.deploy.settle import Settle
from audition.errors import AuditionError

pytestmark = pytest.mark.skipif(
    None in (find_spec("onnxruntime"), find_spec("onnxscript")), reason="no ONNX Runtime"
)

TOKENS = torch.arange(24).view(2, 12) % 11
PARTS = ("causal", "rope", "rmsnorm", "swiglu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx")


@pytest.fixture(scope="module")
def settled():
    return Settle()(Deployed.of(make(*PARTS)))


@pytest.mark.filterwarnings("ignore")
def test_the_same_logits_at_any_size(settled, folder):
    plain = Onnx()
    path = plain.write(settled, folder, TOKENS)
    model, reference = plain.read(settled, path), settled.runnable()
    for inputs in (TOKENS, TOKENS[:1, :7], TOKENS[:1, :1]):
        with torch.no_grad():
            wanted = reference(inputs)
        torch.testing.assert_close(model(inputs), wanted, rtol=1e-4, atol=1e-5)
    assert operators(path)["constant products"] == len(settled.matrices())
    assert list(folder.iterdir()) == [path]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("weights", [pytest.param("int8", marks=pytest.mark.slow), "int4"])
def test_fewer_bits_in_every_map(settled, tmp_path, weights):
    package, reference = Onnx(weights=weights), settled.runnable()
    path = package.write(settled, tmp_path, TOKENS)
    assert operators(path)[MADE[weights]] == len(settled.matrices())
    found = package.read(settled, path)(TOKENS)
    with torch.no_grad():
        wanted = reference(TOKENS)
    assert 0 < (found - wanted).abs().max() < 0.2 * wanted.abs().max()


def test_a_map_that_was_passed_over_is_an_error():
    before = {"constant products": 3}
    with pytest.raises(AuditionError, match=r"made 2 MatMulInteger .* and passed 1 over"):
        check_replaced(before, {"MatMulInteger": 2, "constant products": 1}, "MatMulInteger")
    with pytest.raises(AuditionError, match="made 0 MatMulNBits"):
        check_replaced(before, {}, "MatMulNBits")
    check_replaced(before, {"MatMulInteger": 3}, "MatMulInteger")
