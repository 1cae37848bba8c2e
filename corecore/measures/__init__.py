"""Measures of the necrosis: a file each."""
