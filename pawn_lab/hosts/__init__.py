"""Coding agents and editors that drive the lab: what each reads, and how the lab is put into it."""

from pawn_lab.hosts.host import Host, Place, Scope
from pawn_lab.hosts.installing import install, remove
from pawn_lab.hosts.registry import HOSTS, host_named

__all__ = ["HOSTS", "Host", "Place", "Scope", "host_named", "install", "remove"]
