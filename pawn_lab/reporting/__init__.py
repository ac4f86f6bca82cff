"""What trials have shown: results, curves, charts, cost, logs, notes, digest."""
