"""Sweeps: many trials from one plan, in part or whole stopped early by rule.

A sweep has no process. Its state is in the database, and whatever looks at the workspace, the
last act of a shim included, moves it on: `advance`.
"""
