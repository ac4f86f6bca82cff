"""One training loop; run types are tasks, everything else observes it."""
