"""What the servers' JavaScript makes of texts: numbers, dates, regular expressions, printed values."""
