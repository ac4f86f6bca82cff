"""What runs trials: one executor a kind of place, all behind the same protocol."""
