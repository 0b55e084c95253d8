-- Portable on purpose: ids are TEXT, times are INTEGER microseconds since 1970 UTC, JSON is TEXT.
-- A text of more than 4 KiB is in `blobs`; its own column is then null and its `_blob` column holds the hash.

CREATE TABLE blobs (
    hash TEXT PRIMARY KEY,          -- BLAKE3 of the uncompressed content, hex
    size INTEGER NOT NULL,          -- bytes, uncompressed
    data BLOB NOT NULL              -- zstd
);

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    spec TEXT,
    spec_blob TEXT REFERENCES blobs (hash),
    sum BLOB NOT NULL,              -- seals id, fingerprint and spec
    status TEXT NOT NULL,
    result TEXT,
    result_blob TEXT REFERENCES blobs (hash),
    result_sum BLOB,                -- seals id, status and result; null until the run is finished
    created INTEGER NOT NULL,
    finished INTEGER
);

CREATE TABLE replies (
    key TEXT PRIMARY KEY,
    body BLOB,
    body_blob TEXT REFERENCES blobs (hash),
    sum BLOB NOT NULL,
    created INTEGER NOT NULL
);

CREATE TABLE executions (
    key TEXT PRIMARY KEY,
    body BLOB,
    body_blob TEXT REFERENCES blobs (hash),
    sum BLOB NOT NULL,
    created INTEGER NOT NULL
);

CREATE TABLE events (
    run TEXT NOT NULL REFERENCES runs (id),
    seq INTEGER NOT NULL,
    body BLOB,
    body_blob TEXT REFERENCES blobs (hash),
    sum BLOB NOT NULL,
    PRIMARY KEY (run, seq)
);

CREATE TABLE failures (
    run TEXT NOT NULL REFERENCES runs (id),
    unit TEXT NOT NULL,             -- what could not be found out: the key of a call or an execution
    attempt INTEGER NOT NULL,
    body BLOB,
    body_blob TEXT REFERENCES blobs (hash),
    sum BLOB NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (run, unit, attempt)
);
