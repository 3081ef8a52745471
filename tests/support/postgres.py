"""A PostgreSQL server of the tests' own: on loopback, in a folder that goes when they end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

PASSWORD = "not-a-secret-but-never-shown"  # noqa: S105 - of a server that lives for one test run
_SETTINGS = {"fsync": "off", "listen_addresses": "127.0.0.1", "max_connections": "60"}


class TestServer:
    """A running server. ``schema_url`` gives a place for one more store in it."""

    __test__ = False

    def __init__(self, port: int) -> None:
        self.port = port

    def schema_url(self, schema: str | None = None, *, password: str | None = PASSWORD) -> str:
        """Return a catalog's URL: a new schema where none is named, with or without password."""
        user = f"notekin:{password}" if password else "notekin"
        name = schema or f"s_{uuid.uuid4().hex}"
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/postgres?schema={name}"

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Run one statement as the server's owner and return its rows."""
        address = f"host=127.0.0.1 port={self.port} user=notekin dbname=postgres"
        with psycopg.connect(f"{address} password={PASSWORD}", autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestServer]:
    with running_server() as server:
        yield server


@contextmanager
def running_server() -> Iterator[TestServer]:
    """Start a server and stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="notekin-postgres-"))
    data, port = folder / "data", _free_port()
    try:
        (folder / "password").write_text(PASSWORD)
        if os.getuid() == 0:
            for path in (folder, folder / "password"):
                os.chown(path, _owner().pw_uid, _owner().pw_gid)
        asked = f"-U notekin -A scram-sha-256 --pwfile {folder}/password -E UTF8 --locale C.UTF-8"
        _call("initdb", "--no-sync", "-D", data, *asked.split(), cwd=folder)
        options = [f"-c {name}={value}" for name, value in _SETTINGS.items()]
        options += [f"-p {port}", f"-k {folder}"]
        log = ("-l", folder / "log")
        _call("pg_ctl", "-D", data, "-w", *log, "-o", " ".join(options), "start", cwd=folder)
        try:
            yield TestServer(port)
        finally:
            _call("pg_ctl", "-D", data, "-m", "immediate", "stop", cwd=folder)
    finally:
        shutil.rmtree(folder)


def _call(program: str, *arguments: object, cwd: Path) -> None:
    """Run one of PostgreSQL's programs, as another user where we are root, which it refuses."""
    owner = _owner() if os.getuid() == 0 else None
    done = subprocess.run(
        [_bin() / program, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
        check=False,
    )
    log = cwd / "log"
    said = log.read_text()[-2000:] if log.exists() else ""
    assert done.returncode == 0, f"{program} failed with {done.returncode}: {said}"


def _bin() -> Path:
    """Return the folder of the server's programs; the newest of those that Debian keeps apart."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts)
    if found:
        return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).parent
    pytest.fail("PostgreSQL's server is not installed here: apt-get install postgresql")


def _owner() -> pwd.struct_passwd:
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
