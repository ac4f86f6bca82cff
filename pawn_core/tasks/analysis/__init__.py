"""What a chess program finds in positions: a pool of processes, and a cache on disk."""

from pawn_core.tasks.analysis.analyst import Analyst
from pawn_core.tasks.analysis.pool import LINES, Analysis, AnalysisPool
from pawn_core.tasks.analysis.search_process import Line

__all__ = ["LINES", "Analysis", "AnalysisPool", "Analyst", "Line"]
