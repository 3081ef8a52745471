"""Parquet files, Arrow tables and pandas tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from notekin.errors import ReaderError
from notekin.indexer.readers.cells import Unreadable
from notekin.indexer.readers.files import NOT_UTF8
from notekin.indexer.readers.rows import Row, Unread

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

BATCH_ROWS = 512


class ParquetTable:
    """The rows of a Parquet file, read a batch at a time.

    Args:
        path: The file.
        beside: Cells that every row has though the file does not hold them, as the
            folder names ``category=x`` of a partitioned table do.
    """

    are_names = True
    cells_are_text = False

    def __init__(self, path: Path, beside: Mapping[str, str | None] | None = None) -> None:
        self._path = path
        self._beside = dict(beside or {})
        with self._open() as file:
            self.total: int | None = file.metadata.num_rows
            self.columns: Sequence[str] = [*file.schema_arrow.names, *self._beside]

    def __iter__(self) -> Iterator[Row | Unread]:
        """Yield each row; where a row group is damaged, what it holds is told of."""
        with self._open() as file:
            first = 1
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                yield from self._group(file, group, first, first + rows)
                first += rows

    def _group(self, file: Any, group: int, row: int, end: int) -> Iterator[Row | Unread]:
        import pyarrow as pa

        try:
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[group]):
                yield from read_batch(batch, row, self._beside)
                row += batch.num_rows
        except (pa.ArrowException, OSError):
            yield Unread(f"rows {row} to {end - 1}", "the file is damaged here")

    def _open(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(self._path, pre_buffer=False, buffer_size=2**20)
        except (pa.ArrowException, OSError):
            reason = f"{self._path} is no whole Parquet file: it ends too early or is damaged."
        raise ReaderError(reason)


class ArrowTable:
    """The rows of an Arrow table, or of anything that gives an Arrow stream.

    A reader of record batches can be read once; a table as often as one likes.
    """

    are_names = True
    cells_are_text = False

    def __init__(self, table: Any) -> None:
        import pyarrow as pa

        self._table = table
        self._once = isinstance(table, pa.RecordBatchReader)
        self._spent = False
        self.columns: Sequence[str] = list(self._stream().schema.names)
        self.total: int | None = len(table) if hasattr(table, "__len__") else None

    def __iter__(self) -> Iterator[Row | Unread]:
        """Yield each row.

        Raises:
            ReaderError: The rows come from a stream that has been read before.
        """
        if self._once and self._spent:
            raise ReaderError("This stream of record batches has been read. Give a new one.")
        self._spent = True
        row = 1
        for batch in self._stream():
            for start in range(0, batch.num_rows, BATCH_ROWS):
                part = batch.slice(start, BATCH_ROWS)
                yield from read_batch(part, row, {})
                row += part.num_rows

    def _stream(self) -> Any:
        import pyarrow as pa

        return self._table if self._once else pa.RecordBatchReader.from_stream(self._table)


def read_batch(batch: pa.RecordBatch, row: int, beside: Mapping[str, object]) -> Iterator[Row]:
    """Yield the batch's rows, the first of which is the source's row ``row``."""
    names = [*batch.schema.names, *beside]
    columns = [_cells(column) for column in batch.columns]
    for place, cells in enumerate(zip(*columns, strict=True), start=row):
        yield Row(f"row {place}", dict(zip(names, (*cells, *beside.values()), strict=True)))


def _cells(column: pa.Array) -> list[object]:
    """Return the column's cells; ``Unreadable`` for one that Python has no value for."""
    import pyarrow as pa

    try:
        cells: list[object] = column.to_pylist()
    except (ValueError, OverflowError, KeyError, pa.ArrowException):
        return [_cell(cell) for cell in column]
    if pa.types.is_float32(column.type) or pa.types.is_float16(column.type):
        return [_narrow(cell) for cell in cells]
    return cells


def _narrow(cell: object) -> object:
    """Return a float that came from a float32 as one: its digits are fewer than they look."""
    return np.float32(cell) if isinstance(cell, float | np.floating) else cell


def _cell(cell: pa.Scalar) -> object:
    import pyarrow as pa

    try:
        return cell.as_py()
    except UnicodeDecodeError:
        return Unreadable(NOT_UTF8)
    except (ValueError, OverflowError, KeyError, pa.ArrowException):
        return Unreadable("its value is out of range")


class PandasTable:
    """The rows of a pandas table; an index that has a name is a column too."""

    are_names = True
    cells_are_text = False

    def __init__(self, frame: pd.DataFrame) -> None:
        levels = [name for name in frame.index.names if name not in {None, *frame.columns}]
        self._frame = frame.reset_index(level=levels) if levels else frame
        self.columns: Sequence[str] = [str(name) for name in self._frame.columns]
        self.total: int | None = len(frame)
        self._narrow = [
            place for place, kind in enumerate(self._frame.dtypes) if str(kind) in _NARROW
        ]

    def __iter__(self) -> Iterator[Row | Unread]:
        """Yield each row."""
        rows = self._frame.itertuples(index=False, name=None)
        for place, cells in enumerate(rows, start=1):
            yield Row(f"row {place}", dict(zip(self.columns, self._kept(cells), strict=True)))

    def _kept(self, cells: tuple[object, ...]) -> Sequence[object]:
        if not self._narrow:
            return cells
        kept = list(cells)
        for place in self._narrow:
            kept[place] = _narrow(kept[place])
        return kept


_NARROW = {"float32", "float16", "Float32", "float[pyarrow]", "halffloat[pyarrow]"}
