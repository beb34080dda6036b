"""Dropout whose rate follows the step's controls, inside attention too."""

from torch import nn

HIGHEST = 0.99
"""A rate of 1 would turn attention into 0/0."""


class Dropout(nn.Dropout):
    """Stock dropout that also tells attention which rate is in force."""

    @property
    def rate(self) -> float:
        """The rate now: the configured one times the gain in training, 0 in evaluation."""
        return self.p if self.training else 0.0


def set_dropout_gain(model: nn.Module, gain: float) -> None:
    """Set the rate of every dropout in `model` to its configured rate * `gain`.

    Gains never compound. Rates are kept within [0, 0.99]. Stock `nn.Dropout` modules follow as
    well. Costs one comparison while the gain stays as it is, so a run that never changes it pays
    nothing; a dropout added to the model later follows from the next change on.
    """
    if gain == getattr(model, "dropout_gain", 1.0):
        return
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            configured = vars(module).setdefault("configured", module.p)
            module.p = min(max(configured * gain, 0.0), HIGHEST) if gain != 1.0 else configured
    vars(model)["dropout_gain"] = gain
