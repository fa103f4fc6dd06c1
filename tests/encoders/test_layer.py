"""A layer's options: what each does, and that a layer refuses one it does not support."""

import pytest
import torch
from random_models import noise

from asr.encoders import ENCODERS, RecurrentLayer
from asr.encoders.variants import convlstm
from asr.util.errors import UserError

LAYERS = {kind.__name__: kind for kinds in ENCODERS.values() for kind in kinds}
HIDDEN = 8
OPTIONS = {"weight_drop": 0.5, "zoneout": 0.5, "projection": 4}
ALL = [(name, option) for name in LAYERS for option in OPTIONS]
SUPPORTED = [(name, option) for name, option in ALL if option in LAYERS[name].options]
AT_RANDOM = [(name, option) for name, option in SUPPORTED if option != "projection"]
LENGTHS = torch.tensor([6, 4])


@pytest.fixture(autouse=True)
def two_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convlstm, "CHANNELS", 2)


def layer(name: str, **options: float) -> RecurrentLayer:
    torch.manual_seed(0)
    return LAYERS[name](HIDDEN, HIDDEN, **options)


def outputs(layer: RecurrentLayer) -> torch.Tensor:
    return layer(noise(2, 6, HIDDEN), LENGTHS)[1, :4]


@pytest.mark.parametrize(("name", "option"), sorted(set(ALL) - set(SUPPORTED)))
def test_an_option_a_layer_does_not_support_is_refused_by_name(name: str, option: str) -> None:
    with pytest.raises(UserError, match=rf"encoder\.{option}: .*{name}.* found {OPTIONS[option]}"):
        layer(name, **{option: OPTIONS[option]})


@pytest.mark.parametrize(("name", "option"), AT_RANDOM)
def test_an_option_acts_in_training_at_random(name: str, option: str) -> None:
    changed = layer(name, **{option: 0.5})

    assert not torch.equal(outputs(changed), outputs(changed))
    changed.eval()
    assert torch.equal(outputs(changed), outputs(changed))


@pytest.mark.parametrize("name", [n for n, option in SUPPORTED if option == "weight_drop"])
def test_weight_drop_acts_in_training_only_and_dropped_weights_get_no_gradient(name: str) -> None:
    dropped, whole = layer(name, weight_drop=0.5), layer(name).eval()
    outputs(dropped).sum().backward()

    recurrent = [p for n, p in dropped.named_parameters() if "weight_hh" in n or n == "recurrent"]
    assert recurrent
    for parameter in recurrent:
        without_gradient = (parameter.grad == 0).double().mean().item()
        assert 0.2 < without_gradient < 0.8
    assert torch.equal(outputs(dropped.eval()), outputs(whole))


def test_a_zoneout_of_1_keeps_the_initial_output() -> None:
    assert not outputs(layer("Peephole", zoneout=1.0)).any()


def test_zoneout_takes_the_expected_value_in_evaluation() -> None:
    """For a single frame, from 0, this is 1 - zoneout times the plain layer's output."""
    feature, length = noise(1, 1, HIDDEN), torch.tensor([1])
    zoned, whole = layer("Peephole", zoneout=0.3).eval(), layer("Peephole").eval()

    torch.testing.assert_close(zoned(feature, length), 0.7 * whole(feature, length))


def test_zoneout_keeps_whole_states_in_training() -> None:
    """A unit that keeps its last output in a frame gives the same output twice."""
    torch.manual_seed(1)
    both = layer("Peephole", zoneout=0.5)(noise(1, 40, HIDDEN), torch.tensor([40]))
    forward = both[0, :, :HIDDEN]

    repeated = (forward[1:] == forward[:-1]).double().mean().item()
    assert 0.4 < repeated < 0.6


@pytest.mark.parametrize("training", [True, False])
def test_the_gradients_of_zoneout_equal_finite_differences(training: bool) -> None:
    zoned = layer("Peephole", zoneout=0.4).double().train(training)
    features = noise(2, 6, HIDDEN).double().requires_grad_()

    def run(*_: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(2)
        return zoned(features, LENGTHS)[1, :4]

    assert torch.autograd.gradcheck(run, (features, *zoned.parameters()), fast_mode=True)
