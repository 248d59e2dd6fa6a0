"""How well the embedded model plans, and how often its answers are right: `python -m benchmarks.embedded.score`."""
