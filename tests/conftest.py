"""Fixtures every folder of tests may ask for; each starts nothing until it is asked."""

from support.stack import bootstrap, prefix, registry_url, stack

__all__ = ["bootstrap", "prefix", "registry_url", "stack"]
