"""A trained model as a folder that can be handed on: weights, all that is needed to load them, and predictions."""
