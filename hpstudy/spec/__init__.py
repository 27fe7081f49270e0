"""The study file: from YAML text to a checked, frozen `StudySpec`. Neither torch nor Optuna."""
