"""The landmarks of a proximal femur, as the planner needs them."""
