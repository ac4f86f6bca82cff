"""What trials say about a question: groups over seeds, differences, intervals."""
