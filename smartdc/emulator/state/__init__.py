"""What a data center holds and what happens in it by itself. Nothing in here knows of HTTP."""
