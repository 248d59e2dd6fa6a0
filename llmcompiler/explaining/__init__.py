"""EXPLAIN for plans and for runs: tables of plain text."""
