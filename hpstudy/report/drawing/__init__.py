"""Charts, and what draws them: Plotly for the HTML report, matplotlib for pictures."""
