"""What a user meets: the command line, the Python functions, and what works on this machine."""
