"""`StudyResults` → findings, figures, the HTML report and its Markdown twin. No torch, no Optuna."""
