"""What the terminal shows: progress while a study runs, and tables of what is stored."""
