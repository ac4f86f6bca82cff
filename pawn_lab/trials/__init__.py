"""What a trial is: requests, launches, lineage, states and how they are shown."""
