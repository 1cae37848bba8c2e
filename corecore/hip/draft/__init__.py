"""A first femur mask from a CT, to be looked at and corrected before anything is planned on it."""
