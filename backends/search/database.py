"""The one SQLite file in which an owner's collections of pictures, what was read in them and their vectors are kept."""

from __future__ import annotations

from studio.database import OwnerDatabase

#: The statements that bring a file from version N to N + 1.
MIGRATIONS = (
    """
CREATE TABLE collection (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    created_s REAL NOT NULL,
    version INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE picture (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    hash BLOB NOT NULL,
    added_s REAL NOT NULL,
    UNIQUE (collection_id, digest),
    UNIQUE (collection_id, name)
);
CREATE INDEX picture_collection ON picture (collection_id);
CREATE TABLE pixels (
    picture_id INTEGER PRIMARY KEY REFERENCES picture(id) ON DELETE CASCADE,
    preview BLOB NOT NULL,
    jpeg BLOB NOT NULL
);
CREATE TABLE look (
    picture_id INTEGER NOT NULL REFERENCES picture(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (model, picture_id)
) WITHOUT ROWID;
CREATE INDEX look_picture ON look (picture_id);
CREATE TABLE passage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    picture_id INTEGER NOT NULL REFERENCES picture(id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    vector BLOB NOT NULL
);
CREATE INDEX passage_picture ON passage (picture_id);
CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = "porter unicode61 remove_diacritics 2")
""",
)


class Database(OwnerDatabase):
    """An owner's pictures. The words of a passage are the row of `words` with its id."""

    file_name = "pictures.sqlite3"
    migrations = MIGRATIONS
