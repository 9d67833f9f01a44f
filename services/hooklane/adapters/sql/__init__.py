"""SQL behind `adapters.store`: SQLite when embedded, PostgreSQL in production, the same code.

Times are unix milliseconds in 64-bit columns, so that both databases sort and compare them alike.
"""
