"""Tunnels in a hip: geometry, figures, limits, sets, and what errors of drilling do to them."""
