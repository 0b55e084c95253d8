-- As migrations/sqlite has it, with PostgreSQL's types. Bodies are bytes, so that they are read as they were written.

CREATE TABLE blobs (
    hash TEXT PRIMARY KEY,
    size BIGINT NOT NULL,
    data BYTEA NOT NULL
);

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    spec BYTEA,
    spec_blob TEXT REFERENCES blobs (hash),
    sum BYTEA NOT NULL,
    status TEXT NOT NULL,
    result BYTEA,
    result_blob TEXT REFERENCES blobs (hash),
    result_sum BYTEA,
    created BIGINT NOT NULL,
    finished BIGINT
);

CREATE TABLE replies (
    key TEXT PRIMARY KEY,
    body BYTEA,
    body_blob TEXT REFERENCES blobs (hash),
    sum BYTEA NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE executions (
    key TEXT PRIMARY KEY,
    body BYTEA,
    body_blob TEXT REFERENCES blobs (hash),
    sum BYTEA NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE events (
    run TEXT NOT NULL REFERENCES runs (id),
    seq BIGINT NOT NULL,
    body BYTEA,
    body_blob TEXT REFERENCES blobs (hash),
    sum BYTEA NOT NULL,
    PRIMARY KEY (run, seq)
);

CREATE TABLE failures (
    run TEXT NOT NULL REFERENCES runs (id),
    unit TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    body BYTEA,
    body_blob TEXT REFERENCES blobs (hash),
    sum BYTEA NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (run, unit, attempt)
);

CREATE TABLE samples (
    batch TEXT NOT NULL,
    task TEXT NOT NULL,
    sample BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    body BYTEA,
    body_blob TEXT REFERENCES blobs (hash),
    sum BYTEA NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (batch, task, sample)
);
