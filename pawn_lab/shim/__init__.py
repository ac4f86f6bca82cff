"""What runs beside a trainer: standard library only."""
