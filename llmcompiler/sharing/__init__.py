"""Calls that need not be made: identical ones, constants, and the result cache."""

from .table import Sharing, SharingStats

__all__ = ["Sharing", "SharingStats"]
