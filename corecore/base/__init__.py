"""What every room uses: errors, arrays that know where they lie, the bone surface, parameters, kernels."""
