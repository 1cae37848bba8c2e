"""The risk of execution: what the errors of drilling do to a plan. Its kernels compile, so nothing is imported here."""
