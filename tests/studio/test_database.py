"""A new database that several threads open at the same moment."""

from __future__ import annotations

import threading
from pathlib import Path

from studio.database import OwnerDatabase

_AT_ONCE = 4


class Numbers(OwnerDatabase):
    file_name = "numbers.db"
    migrations = ("CREATE TABLE numbers (number INTEGER) STRICT",)


def test_threads_that_open_a_new_database_at_once_all_write(tmp_path: Path) -> None:
    for round_number in range(60):  # without taking turns, one of some thirty finds it locked
        database, together = Numbers(tmp_path / str(round_number)), threading.Barrier(_AT_ONCE)

        def write(database: Numbers = database, together: threading.Barrier = together) -> None:
            together.wait(timeout=10)
            with database.writing() as connection:
                connection.execute("INSERT INTO numbers VALUES (1)")

        threads = [threading.Thread(target=write) for _ in range(_AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.reading() as connection:
            assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (_AT_ONCE,)
