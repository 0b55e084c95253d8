-- What each time that a run was carried out has paid for.

CREATE TABLE attempts (
    run TEXT NOT NULL REFERENCES runs (id),
    number BIGINT NOT NULL,
    body BYTEA,
    body_blob TEXT REFERENCES blobs (hash),
    sum BYTEA NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (run, number)
);
