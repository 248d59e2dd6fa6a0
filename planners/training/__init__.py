"""How the embedded planner's adapter is made: example plans from a bank of tools, training, export, scores.

Development only: nothing in the installed packages imports this. `make train` runs all of it.
"""
