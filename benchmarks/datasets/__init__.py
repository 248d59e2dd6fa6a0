"""Plans for the questions of the paper's data sets, scored by rules: `python -m benchmarks.datasets --data FOLDER`.

The questions are not part of this repository. What a right plan looks like is read out of each question by rules: how
many calls, about which things, depending on what. Questions that the rules can not read are left out, and counted.
"""
