"""plan.json and measures.json: their content, one reader, one seal."""
