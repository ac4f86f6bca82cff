"""Chess rules, game generation and tokens for PAWN lab."""
