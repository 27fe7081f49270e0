"""Storage → `StudyResults`: a study as pandas frames, through read-only SQL. No torch, no Optuna."""
