"""How Hypothesis runs here: a busy machine must not make a law look broken."""

from hypothesis import settings

settings.register_profile("hooklane", deadline=None)
settings.load_profile("hooklane")
