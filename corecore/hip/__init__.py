"""One hip: case, bone, lesion, anatomy, and what comes from other scans."""
