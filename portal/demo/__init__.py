"""The demo: a simulated survey of calibrator fields, and the linked worktables that characterise it."""

from portal.demo.building import build
from portal.demo.publishing import publish

__all__ = ["build", "publish"]
