"""The one SQLite file in which an owner's collections, documents, passages, vectors and chats are kept."""

from __future__ import annotations

from studio.database import OwnerDatabase

#: The statements that bring a file from version N to N + 1; `user_version` says where it is.
MIGRATIONS = (
    """
CREATE TABLE collection (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    created_s REAL NOT NULL,
    version INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE document (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    added_s REAL NOT NULL,
    UNIQUE (collection_id, sha256),
    UNIQUE (collection_id, name)
);
CREATE INDEX document_sha256 ON document (sha256);
CREATE TABLE page (
    document_id INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    number INTEGER,
    text TEXT NOT NULL,
    PRIMARY KEY (document_id, position)
) WITHOUT ROWID;
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    page INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    headings TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX chunk_document ON chunk (document_id);
CREATE TABLE vector (
    chunk_id INTEGER NOT NULL REFERENCES chunk(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (model, chunk_id)
) WITHOUT ROWID;
CREATE INDEX vector_chunk ON vector (chunk_id);
CREATE TABLE snapshot (
    collection_id INTEGER NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    generation INTEGER NOT NULL,
    folder TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    last_chunk_id INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    PRIMARY KEY (collection_id, model)
) WITHOUT ROWID;
CREATE TABLE chat (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    created_s REAL NOT NULL,
    changed_s REAL NOT NULL
);
CREATE TABLE message (
    chat_id INTEGER NOT NULL REFERENCES chat(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    role TEXT NOT NULL,
    content TEXT NOT NULL,
    searched TEXT NOT NULL,
    citations TEXT NOT NULL,
    collection_id INTEGER REFERENCES collection(id) ON DELETE SET NULL,
    created_s REAL NOT NULL,
    PRIMARY KEY (chat_id, position)
) WITHOUT ROWID
""",
)


class Database(OwnerDatabase):
    """An owner's documents."""

    file_name = "documents.sqlite3"
    migrations = MIGRATIONS
