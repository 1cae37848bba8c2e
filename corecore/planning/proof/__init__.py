"""The proof: an upper bound on what any tunnel within the limits could remove, by branch and bound."""
