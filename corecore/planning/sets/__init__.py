"""Sets of tunnels, planned together, and the bound on what any set could remove."""
