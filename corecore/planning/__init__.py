"""Which tunnels are best, the proof of it, and what else a plan says."""
