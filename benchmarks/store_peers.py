"""Other vector databases at the task of benchmarks/store.py, in an environment of their own.

    python benchmarks/store.py --peers --notes 100000

makes the environment and runs this file in it, once a peer. Each keeps the same vectors with
the note's text, patient and day, filters by the day, and runs in this process with the
settings that its documentation begins with.

What a commit is worth differs. Of three commits of 2,048 notes, fsync and fdatasync were called 54
times by Notekin, 82 by chromadb, 16 by txtai, 6 by milvus-lite, 4 a note by qdrant-client and never
by lancedb: what it has committed may be gone when the power is.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from store_task import Days, Progress, System, Task, Vectors, be_reader, measured

TABLE = "notes"
TEXT = "Generated note."
AT_ONCE = 2_000


class MilvusLite:
    """milvus-lite: AUTOINDEX."""

    name = "milvus-lite"
    one_process = True

    def create(self, folder: Path, dim: int) -> None:
        from pymilvus import DataType  # pyright: ignore[reportMissingImports]

        self._connect(folder)
        schema = self._client.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
        schema.add_field("day", DataType.INT64)
        schema.add_field("patient", DataType.VARCHAR, max_length=20)
        schema.add_field("text", DataType.VARCHAR, max_length=1000)
        index = self._client.prepare_index_params()
        index.add_index("vector", index_type="AUTOINDEX", metric_type="IP")
        self._client.create_collection(TABLE, schema=schema, index_params=index)

    def _connect(self, folder: Path) -> None:
        from pymilvus import MilvusClient  # pyright: ignore[reportMissingImports]

        folder.mkdir(exist_ok=True)
        self._client = MilvusClient(str(folder / "milvus.db"))

    def add(self, first: int, vectors: Vectors, patients: Days, days: Days) -> None:
        self._client.insert(TABLE, list(_rows(first, vectors, patients, days)))

    def finish(self) -> None:
        self._client.flush(TABLE)
        self._client.load_collection(TABLE)

    def open(self, folder: Path) -> None:
        self._connect(folder)
        self._client.load_collection(TABLE)

    def search(self, query: Vectors, k: int, limit: int | None) -> list[int]:
        condition = "" if limit is None else f"day < {limit}"
        found = self._client.search(TABLE, [query.tolist()], filter=condition, limit=k)
        return [int(hit["id"]) for hit in found[0]]

    def close(self) -> None:
        from milvus_lite.server_manager import (  # pyright: ignore[reportMissingImports]
            server_manager_instance,
        )

        self._client.close()
        server_manager_instance.release_all()  # else no other process can open the folder


class LanceDb:
    """lancedb: IVF_HNSW_SQ with a scalar index on the day, prefiltered."""

    name = "lancedb"
    one_process = False

    def create(self, folder: Path, dim: int) -> None:
        import lancedb  # pyright: ignore[reportMissingImports]
        import pyarrow as pa

        fields = [("id", pa.int64()), ("vector", pa.list_(pa.float32(), dim)), ("day", pa.int64())]
        fields += [("patient", pa.string()), ("text", pa.string())]
        self._table = lancedb.connect(str(folder)).create_table(TABLE, schema=pa.schema(fields))

    def add(self, first: int, vectors: Vectors, patients: Days, days: Days) -> None:
        import pyarrow as pa

        width = vectors.shape[1]
        columns = {
            "id": pa.array(range(first, first + len(days))),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), width),
            "day": pa.array(np.asarray(days)),
            "patient": pa.array([f"p{patient}" for patient in patients]),
            "text": pa.array([TEXT] * len(days)),
        }
        self._table.add(pa.table(columns))

    def finish(self) -> None:
        self._table.create_index(
            metric="dot", vector_column_name="vector", index_type="IVF_HNSW_SQ"
        )
        self._table.create_scalar_index("day")

    def open(self, folder: Path) -> None:
        import lancedb  # pyright: ignore[reportMissingImports]

        self._table = lancedb.connect(str(folder)).open_table(TABLE)

    def search(self, query: Vectors, k: int, limit: int | None) -> list[int]:
        asked = self._table.search(query, vector_column_name="vector").distance_type("dot")
        if limit is not None:
            asked = asked.where(f"day < {limit}", prefilter=True)
        found = asked.limit(k).select(["id", "_distance"]).to_arrow()
        return [int(one) for one in found["id"].to_pylist()]

    def close(self) -> None:
        del self._table


class Chroma:
    """chromadb: its HNSW."""

    name = "chromadb"
    one_process = False

    def create(self, folder: Path, dim: int) -> None:
        self._notes = self._client(folder).create_collection(
            TABLE, configuration={"hnsw": {"space": "ip"}}, embedding_function=None
        )

    def _client(self, folder: Path) -> Any:
        import chromadb  # pyright: ignore[reportMissingImports]
        from chromadb.config import Settings  # pyright: ignore[reportMissingImports]

        quiet = Settings(anonymized_telemetry=False)
        return chromadb.PersistentClient(str(folder), settings=quiet)

    def add(self, first: int, vectors: Vectors, patients: Days, days: Days) -> None:
        rows = list(_rows(first, vectors, patients, days))
        self._notes.add(
            ids=[str(row["id"]) for row in rows],
            embeddings=[row["vector"] for row in rows],
            documents=[row["text"] for row in rows],
            metadatas=[{"day": row["day"], "patient": row["patient"]} for row in rows],
        )

    def finish(self) -> None:
        """It has no such step."""

    def open(self, folder: Path) -> None:
        self._notes = self._client(folder).get_collection(TABLE, embedding_function=None)

    def search(self, query: Vectors, k: int, limit: int | None) -> list[int]:
        where: Any = None if limit is None else {"day": {"$lt": limit}}
        found = self._notes.query(
            query_embeddings=[query.tolist()], n_results=k, where=where, include=[]
        )
        return [int(one) for one in found["ids"][0]]

    def close(self) -> None:
        del self._notes


class QdrantLocal:
    """qdrant-client's local mode: an exact scan in numpy.

    It makes a SQLite transaction of each point, whatever the batch, so that 100,000 take as many
    syncs of the disk. The rate of commits is measured so; to be searched, all are taken in without
    the syncs, and the seconds of building are less than its own.
    """

    syncs = True
    """Whether the disk is synced as the library has it; else ``build`` may leave it out."""

    name = "qdrant-client local"
    one_process = True

    def create(self, folder: Path, dim: int) -> None:
        from qdrant_client import models  # pyright: ignore[reportMissingImports]

        self.open(folder)
        width = models.VectorParams(size=dim, distance=models.Distance.DOT)
        self._client.create_collection(TABLE, vectors_config=width)
        self._client.close()
        self.open(folder)

    def add(self, first: int, vectors: Vectors, patients: Days, days: Days) -> None:
        points = [
            self._models.PointStruct(id=row.pop("id"), vector=row.pop("vector"), payload=row)
            for row in _rows(first, vectors, patients, days)
        ]
        self._client.upsert(TABLE, points)

    def finish(self) -> None:
        """It has no such step."""

    def open(self, folder: Path) -> None:
        from qdrant_client import QdrantClient, models  # pyright: ignore[reportMissingImports]

        self._models = models
        self._client = QdrantClient(path=str(folder))
        if not self.syncs:
            for kept in self._client._client.collections.values():
                kept.storage.storage.execute("PRAGMA synchronous=OFF")

    def search(self, query: Vectors, k: int, limit: int | None) -> list[int]:
        chosen = None
        if limit is not None:
            day = self._models.FieldCondition(key="day", range=self._models.Range(lt=limit))
            chosen = self._models.Filter(must=[day])
        found = self._client.query_points(TABLE, query.tolist(), query_filter=chosen, limit=k)
        return [int(point.id) for point in found.points]

    def close(self) -> None:
        self._client.close()


class Txtai:
    """txtai: FAISS as it sets it up, facts in SQLite; filters after the vectors' search."""

    name = "txtai"
    one_process = False

    def create(self, folder: Path, dim: int) -> None:
        from txtai import Embeddings  # pyright: ignore[reportMissingImports]

        self._folder, self._first = folder, True
        self._notes = Embeddings(method="external", content=True, backend="faiss")

    def add(self, first: int, vectors: Vectors, patients: Days, days: Days) -> None:
        rows = [  # a field called text would be what is made a vector
            (
                row.pop("id"),
                {"object": np.float32(row.pop("vector")), "note": row.pop("text"), **row},
                None,
            )
            for row in _rows(first, vectors, patients, days)
        ]
        (self._notes.index if self._first else self._notes.upsert)(rows)
        self._first = False
        self._notes.save(str(self._folder))

    def finish(self) -> None:
        """It has no such step: the index is that of the first batch."""

    def open(self, folder: Path) -> None:
        from txtai import Embeddings  # pyright: ignore[reportMissingImports]

        self._notes = Embeddings(method="external", content=True)
        self._notes.load(str(folder))

    def search(self, query: Vectors, k: int, limit: int | None) -> list[int]:
        condition = "" if limit is None else f" and day < {limit}"
        found = self._notes.search(
            f"select id from txtai where similar(:q){condition}",  # noqa: S608 - a number
            limit=k,
            parameters={"q": query},
        )
        return [int(row["id"]) for row in found]

    def close(self) -> None:
        self._notes.close()


PEERS: dict[str, type[System]] = {
    peer.name: peer for peer in (MilvusLite, LanceDb, Chroma, QdrantLocal, Txtai)
}
ALL_AT_ONCE = {"txtai": 10**9, "lancedb": 50_000}
"""Notes taken in at once when all are: what each is best at."""


MODULES = {
    "milvus-lite": "pymilvus",
    "lancedb": "lancedb",
    "chromadb": "chromadb",
    "qdrant-client local": "qdrant_client",
    "txtai": "txtai",
}


def _rows(first: int, vectors: Vectors, patients: Days, days: Days) -> Iterator[dict[str, Any]]:
    rows = zip(vectors, patients.tolist(), days.tolist(), strict=True)
    for number, (vector, patient, day) in enumerate(rows, start=first):
        facts = {"day": day, "patient": f"p{patient}", "text": TEXT}
        yield {"id": number, "vector": vector.tolist(), **facts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", required=True, choices=list(PEERS))
    parser.add_argument("--task", type=Path, help="the folder of the saved task")
    parser.add_argument("--json", type=Path, help="write the numbers here, as they come")
    parser.add_argument("--reader", nargs=2, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    peer = PEERS[args.only]()
    if args.reader:
        importlib.import_module(MODULES[args.only])  # is no part of opening
        return be_reader(peer, *args.reader)
    queries = args.task / "queries.npy"

    def reader(store: Path) -> list[str]:
        command = [sys.executable, __file__, "--only", args.only, "--reader"]
        return [*command, str(store), str(queries)]

    with tempfile.TemporaryDirectory(dir=args.task) as work:
        task, places = Task.load(args.task), (Path(work), args.task)
        at_once = ALL_AT_ONCE.get(args.only, AT_ONCE)
        measured(peer, task, places, reader, at_once, Progress(args.json))
    return None


if __name__ == "__main__":
    main()
