"""What several tests share: phantoms, plans with known truth, a browser, files of every format."""
