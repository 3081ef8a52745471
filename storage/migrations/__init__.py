"""How does a store of an older format become one of this? Alembic's revisions, one a format.

A revision's name is the number of the format that it leads to. Format 1 is the base: there
is none to make it. The format that a store has is its setting ``format``, which the same
transaction raises.
"""

from __future__ import annotations

from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, update

from notekin.storage.schema import SettingRow


def migrate(connection: Connection, since: int) -> None:
    """Bring the tables from a format to the newest, in the transaction of this connection.

    Raises:
        RuntimeError: No revision leads from there to here.
    """
    for step in steps(since):
        with Operations.context(MigrationContext.configure(connection)):
            step.module.upgrade()
        connection.execute(
            update(SettingRow).where(SettingRow.name == "format").values(value=int(step.revision))
        )


def steps(since: int) -> list[Script]:
    """Return the revisions after a format, oldest first."""
    found = ScriptDirectory(str(Path(__file__).parent)).walk_revisions()
    return sorted(
        (step for step in found if int(step.revision) > since), key=lambda step: int(step.revision)
    )
