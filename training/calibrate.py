"""Temperature and abstention threshold, from dev.

Temperature scaling (Guo et al. 2017): the logits are divided by the temperature that
minimises the negative log-likelihood on dev. The threshold is the lowest score from which
up the answers on dev are right as often as the recipe asks.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from claim_classifier.model_dir import Calibration
from training.metrics import Floats, Labels

_RANGE = (0.05, 20.0)


def fit_calibration(logits: Floats, references: Labels, accuracy: float) -> Calibration:
    """Fit temperature and threshold.

    Args:
        logits: of dev, shape (n, 3).
        references: true label indices, shape (n,).
        accuracy: what the answers at the threshold should reach; where no threshold reaches
            it, the threshold is 1 and the model abstains from everything.
    """
    temperature = fit_temperature(logits, references)
    return Calibration(temperature, fit_threshold(softmax(logits / temperature, axis=1), references, accuracy))


def fit_temperature(logits: Floats, references: Labels) -> float:
    """The temperature of the least negative log-likelihood."""

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(references)), references].mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(_RANGE)), method="bounded")
    return round(float(np.exp(found.x)), 4)


def fit_threshold(probabilities: Floats, references: Labels, accuracy: float) -> float:
    """The lowest score from which up the answers reach an accuracy."""
    # Floored, as the threshold is, so that every score at the threshold is over it.
    scores = np.floor(probabilities.max(1) * 1e4) / 1e4
    order = np.argsort(-scores, kind="stable")
    right = (probabilities.argmax(1) == references)[order]
    share = right.cumsum() / np.arange(1, len(right) + 1)
    # A threshold lets through all rows of a score or none.
    last_of_score = np.append(np.diff(scores[order]) != 0, True)
    reached = np.flatnonzero(last_of_score & (share >= accuracy))
    return float(scores[order][reached[-1]]) if len(reached) else 1.0
