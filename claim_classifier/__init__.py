"""Is an English sentence a claim, a speculation or a recommendation?

>>> from claim_classifier import ClaimClassifier
>>> classifier = ClaimClassifier.load()
>>> [p.label for p in classifier.predict(["The dam is full.", "It may overflow.", "Open the gates."])]
['claim', 'speculation', 'recommendation']
"""

from claim_classifier.classifier import ClaimClassifier
from claim_classifier.errors import ClaimClassifierError, JobError, ModelError, TextError
from claim_classifier.labels import LABELS, Label
from claim_classifier.records import LabelledSentence, Prediction

__version__ = "0.2.0"

__all__ = [
    "LABELS",
    "ClaimClassifier",
    "ClaimClassifierError",
    "JobError",
    "Label",
    "LabelledSentence",
    "ModelError",
    "Prediction",
    "TextError",
]
