"""Families of questions, a file for each group, and what they share. Only `staples` describes tools."""
