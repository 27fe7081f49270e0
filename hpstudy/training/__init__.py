"""The engine: one training as a generator of epoch results. It knows nothing of Optuna."""
