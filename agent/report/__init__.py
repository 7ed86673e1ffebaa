"""What is shown and kept of a run: the JSON document, and plain text for people."""
