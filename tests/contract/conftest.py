"""The server that the contract's PostgreSQL half runs on."""

from tests.support.postgres import postgres

__all__ = ["postgres"]
