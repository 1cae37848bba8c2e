"""A plan's figures by a second road, which shares nothing with the planner but the contract."""

from corecore.verify.report import Check, Verification
from corecore.verify.road import verify_plan

__all__ = ["Check", "Verification", "verify_plan"]
