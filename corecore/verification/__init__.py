"""A plan's figures by a second road, which shares nothing with the planner but the contract."""
