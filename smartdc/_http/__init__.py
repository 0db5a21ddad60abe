"""Private: turns the request of an operation into its final answer, or into an error."""
