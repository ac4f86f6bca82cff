"""Validation: metrics on the games that a run is watched by, beside what a perfect model gets."""
