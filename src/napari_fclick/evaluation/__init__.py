"""The robot user and the figures it yields (paper, section 4.1)."""
