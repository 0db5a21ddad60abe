"""Where data centers are, and as whom and with which key one signs in."""
