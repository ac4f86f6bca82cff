"""A few real steps of a run before it is paid for: what would fail fails in the first minute."""
