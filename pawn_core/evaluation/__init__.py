"""Evaluation: models measured by evaluations of choice, each with its definition."""
