"""Measurements of the runtime, each as a ratio to a floor in the same run. `python -m benchmarks` runs them all."""
