"""Attention in rows that hold several games: the ways there are, and which of them is right here.

Games lie one after the other; a token sees those of its game up to itself.
"""
