"""Evaluations of the games that a model plays alone."""
