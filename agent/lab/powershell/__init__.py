"""A PowerShell 2.0 evaluator: it executes the text that arrives, or refuses it aloud."""
