"""Keep of a study's tables what a summary is made of: ``python docs/keep_study.py OUT.parquet RESULTS.parquet ...``.

A batch's table has hundreds of columns; a notebook that draws on it needs some thirty, and figures to six digits.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corecore.study.batch.figures import columns_read


def main(out: Path, sources: list[Path]) -> None:
    """One table of the records of all, in the order of their ids."""
    parts = [pq.read_table(source, columns=columns_read(pq.read_schema(source).names)) for source in sources]
    table = pa.concat_tables(parts, promote_options="permissive")
    table = table.sort_by([("id", "ascending"), ("preset", "ascending")])
    for place, name in enumerate(table.column_names):
        if pa.types.is_floating(table[name].type):
            table = table.set_column(place, name, pa.compute.round(table[name], 6))
    # Times are of one loaded machine and say nothing of the hips.
    table = table.drop_columns([name for name in table.column_names if name.startswith("timings.")])
    pq.write_table(table, out, compression="zstd", compression_level=19)
    print(f"{table.num_rows} records, {table.num_columns} columns, {out.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
