"""Evaluation by matches: against random play, other models and chess programs."""
