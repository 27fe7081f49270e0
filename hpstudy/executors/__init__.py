"""Where trainings run. An executor reports events and never decides."""
