"""The search: where settings are sampled, trials pruned and everything stored. Optuna lives here alone."""
