"""Many hips: synthetic ones with known truth, batches and their tables."""
