"""Evaluations of single positions: what a model predicts where the true history is shown."""
