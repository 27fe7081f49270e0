"""The views of a study: for each the data, and the chart that shows it."""
