"""Metrics on validation games, each with its definition, beside what a perfect model would get."""
