"""Fixtures every folder of tests may ask for; each starts nothing until it is asked."""

import os

from hypothesis import settings

from support.stack import bootstrap, prefix, registry_url, stack

__all__ = ["bootstrap", "prefix", "registry_url", "stack"]

# A busy machine must not make a law look broken. CI tries the same examples each time: a change is
# judged by what it changed; everybody else's runs look for new ones.
settings.register_profile("hooklane", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("hooklane")
