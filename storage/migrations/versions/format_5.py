"""An index of the passages that are copies, by their family."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"


def upgrade() -> None:
    """Make the index."""
    is_copy = sa.text("family != passage_key")
    op.create_index(
        "ix_passages_copies",
        "passages",
        ["family"],
        sqlite_where=is_copy,
        postgresql_where=is_copy,
    )
