"""How a model is made: corpus, training, export, scores. Not part of the installed package."""
