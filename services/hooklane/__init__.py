"""Hooklane delivers webhooks from Kafka and loses nothing."""
