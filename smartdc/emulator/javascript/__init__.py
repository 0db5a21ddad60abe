"""JavaScript's conversions, as the servers use them: numbers, dates, regular expressions, printed values."""
