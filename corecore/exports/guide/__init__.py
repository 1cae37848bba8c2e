"""Patient-specific drill guides: a block seated on the lateral femur with a sleeve for each tunnel."""
