"""The lab for people: the page, what it asks, and the notice that something changed."""

from pawn_lab.dashboard.app import dashboard_app

__all__ = ["dashboard_app"]
