"""Other vector databases at the task of benchmarks/store.py, in an environment of their own.

    python benchmarks/store.py --peers --notes 100000

makes the environment and runs this file in it. A peer that is not installed is said to be
left out. Each keeps the same vectors with a ``day`` each, filters by it, and runs in this
process with the settings that its documentation begins with.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from store_task import HEAD, Days, System, Vectors, as_row, line, make_task, measure

TABLE = "notes"
BATCH = 2_000


class MilvusLite:
    """milvus-lite: AUTOINDEX."""

    name = "milvus-lite"

    def build(self, folder: Path, vectors: Vectors, days: Days) -> None:
        from pymilvus import DataType, MilvusClient  # pyright: ignore[reportMissingImports]

        self._client = MilvusClient(str(folder / "milvus.db"))
        schema = self._client.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
        schema.add_field("day", DataType.INT64)
        index = self._client.prepare_index_params()
        index.add_index("vector", index_type="AUTOINDEX", metric_type="IP")
        self._client.create_collection(TABLE, schema=schema, index_params=index)
        for rows in _rows(vectors, days):
            self._client.insert(TABLE, rows)
        self._client.load_collection(TABLE)

    def search(self, query: Vectors, k: int, below: int | None) -> list[int]:
        condition = "" if below is None else f"day < {below}"
        found = self._client.search(TABLE, [query.tolist()], filter=condition, limit=k)
        return [int(hit["id"]) for hit in found[0]]


class LanceDb:
    """lancedb: IVF_HNSW_SQ with a scalar index on the day, prefiltered."""

    name = "lancedb"

    def build(self, folder: Path, vectors: Vectors, days: Days) -> None:
        import lancedb  # pyright: ignore[reportMissingImports]
        import pyarrow as pa

        width = vectors.shape[1]
        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), width)
        table = pa.table({"id": pa.array(range(len(days))), "vector": column, "day": days})
        self._table = lancedb.connect(str(folder / "lance")).create_table(TABLE, table)
        self._table.create_index(
            metric="dot", vector_column_name="vector", index_type="IVF_HNSW_SQ"
        )
        self._table.create_scalar_index("day")

    def search(self, query: Vectors, k: int, below: int | None) -> list[int]:
        asked = self._table.search(query, vector_column_name="vector").distance_type("dot")
        if below is not None:
            asked = asked.where(f"day < {below}", prefilter=True)
        return [
            int(one)
            for one in asked.limit(k).select(["id", "_distance"]).to_arrow()["id"].to_pylist()
        ]


class Chroma:
    """chromadb: its HNSW."""

    name = "chromadb"

    def build(self, folder: Path, vectors: Vectors, days: Days) -> None:
        import chromadb  # pyright: ignore[reportMissingImports]
        from chromadb.config import Settings  # pyright: ignore[reportMissingImports]

        quiet = Settings(anonymized_telemetry=False)
        client = chromadb.PersistentClient(str(folder / "chroma"), settings=quiet)
        self._notes = client.create_collection(
            TABLE, configuration={"hnsw": {"space": "ip"}}, embedding_function=None
        )
        for rows in _rows(vectors, days):
            self._notes.add(
                ids=[str(row["id"]) for row in rows],
                embeddings=[row["vector"] for row in rows],
                metadatas=[{"day": row["day"]} for row in rows],
            )

    def search(self, query: Vectors, k: int, below: int | None) -> list[int]:
        where: Any = None if below is None else {"day": {"$lt": below}}
        found = self._notes.query(
            query_embeddings=[query.tolist()], n_results=k, where=where, include=[]
        )
        return [int(one) for one in found["ids"][0]]


class QdrantLocal:
    """qdrant-client's local mode: an exact scan in numpy."""

    name = "qdrant-client local"

    def build(self, folder: Path, vectors: Vectors, days: Days) -> None:
        from qdrant_client import QdrantClient, models  # pyright: ignore[reportMissingImports]

        self._models = models
        self._client = QdrantClient(path=str(folder / "qdrant"))
        width = models.VectorParams(size=vectors.shape[1], distance=models.Distance.DOT)
        self._client.create_collection(TABLE, vectors_config=width)
        for rows in _rows(vectors, days):
            points = [
                models.PointStruct(id=row["id"], vector=row["vector"], payload={"day": row["day"]})
                for row in rows
            ]
            self._client.upsert(TABLE, points)

    def search(self, query: Vectors, k: int, below: int | None) -> list[int]:
        chosen = None
        if below is not None:
            day = self._models.FieldCondition(key="day", range=self._models.Range(lt=below))
            chosen = self._models.Filter(must=[day])
        found = self._client.query_points(TABLE, query.tolist(), query_filter=chosen, limit=k)
        return [int(point.id) for point in found.points]


class Txtai:
    """txtai: FAISS as it sets it up, facts in SQLite; filters after the vectors' search."""

    name = "txtai"

    def build(self, folder: Path, vectors: Vectors, days: Days) -> None:
        from txtai import Embeddings  # pyright: ignore[reportMissingImports]

        self._notes = Embeddings(
            method="external", transform=lambda rows: rows, content=True, backend="faiss"
        )
        self._notes.index(
            (row["id"], {"object": np.float32(row["vector"]), "day": row["day"]}, None)
            for rows in _rows(vectors, days)
            for row in rows
        )

    def search(self, query: Vectors, k: int, below: int | None) -> list[int]:
        condition = "" if below is None else f" and day < {below}"
        found = self._notes.search(
            f"select id from txtai where similar(:q){condition}",  # noqa: S608 - a number
            limit=k,
            parameters={"q": query},
        )
        return [int(row["id"]) for row in found]


PEERS: tuple[Callable[[], System], ...] = (MilvusLite, LanceDb, Chroma, QdrantLocal, Txtai)


def _rows(vectors: Vectors, days: Days) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(days), BATCH):
        part = zip(vectors[start : start + BATCH], days[start : start + BATCH], strict=True)
        yield [
            {"id": start + place, "vector": vector.tolist(), "day": int(day)}
            for place, (vector, day) in enumerate(part)
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--patients", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--only", nargs="*", help="names of the peers to run; all by default")
    parser.add_argument("--json", type=Path, help="write the numbers here, too")
    args = parser.parse_args()
    task = make_task(args.notes, args.dim, args.patients, args.queries)
    print(HEAD)
    found = []
    for make in PEERS:
        peer = make()
        if args.only and peer.name not in args.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            try:
                peer.build(Path(folder), task.vectors, task.days)
            except ImportError as error:
                print(f"{peer.name} is left out: {error}", flush=True)
                continue
            print(f"{peer.name}: {args.notes} in {time.perf_counter() - began:.1f} s", flush=True)
            for measured in measure(peer, task):
                print(line(measured), flush=True)
                found.append(as_row(measured))
    if args.json:
        import json

        args.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
