"""Networks: one file a family, and how a name of the study file becomes a model."""
