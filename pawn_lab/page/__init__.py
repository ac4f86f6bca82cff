"""The front end: static files, and the one bundle made of them; it knows no lab."""

from pawn_lab.page.bundle import LIVE_POLICY, BundleError, document, script, style

__all__ = ["LIVE_POLICY", "BundleError", "document", "script", "style"]
