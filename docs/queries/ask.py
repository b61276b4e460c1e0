#!/usr/bin/env python3
"""Asks DuckDB the queries of this folder about the results under results/, and writes or checks their answers.

Usage, with DuckDB's Python package and from anywhere:

    docs/queries/ask.py            writes docs/queries/answers.txt
    docs/queries/ask.py --check    fails if the answers are others
"""

import os
import sys
from pathlib import Path

import duckdb

FOLDER = Path(__file__).resolve().parent


def answer(query: Path) -> str:
    """The query's question and its answer as a table; a query that finds nothing is an error."""
    text = query.read_text(encoding="utf-8")
    found = duckdb.sql(text)
    if found is None or not found.fetchall():
        raise SystemExit(f"{query.name} finds nothing")
    question = text.splitlines()[0].removeprefix("-- ")
    table = duckdb.sql(text)
    header = table.columns
    rows = [["" if value is None else str(value) for value in row] for row in table.fetchall()]
    widths = [max(len(row[at]) for row in [header, *rows]) for at in range(len(header))]
    lines = ["  ".join(value.ljust(width) for value, width in zip(row, widths)).rstrip() for row in [header, *rows]]
    return f"{query.name}: {question}\n\n" + "\n".join(lines) + "\n"


def main() -> int:
    os.chdir(FOLDER.parent.parent)
    queries = sorted(FOLDER.glob("*.sql"))
    answers = "\n\n".join(answer(query) for query in queries)
    kept = FOLDER / "answers.txt"
    if sys.argv[1:] == ["--check"]:
        if kept.read_text(encoding="utf-8") != answers:
            print(f"{kept.relative_to(Path.cwd())} is out of date; docs/queries/ask.py writes it", file=sys.stderr)
            return 1
        print(f"{len(queries)} queries have the answers that are kept")
        return 0
    kept.write_text(answers, encoding="utf-8")
    print(f"wrote {kept.relative_to(Path.cwd())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
