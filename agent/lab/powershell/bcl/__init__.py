"""The .NET basics: strings, arrays, numbers, dates, and the static members scripts use."""
