"""What the outline or the image shows besides the lesion, and what only the surgeon can tell: a file each."""
