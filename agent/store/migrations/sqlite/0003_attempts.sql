-- What each time that a run was carried out has paid for.

CREATE TABLE attempts (
    run TEXT NOT NULL REFERENCES runs (id),
    number INTEGER NOT NULL,        -- from 1, in the order in which they ended
    body BLOB,
    body_blob TEXT REFERENCES blobs (hash),
    sum BLOB NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (run, number)
);
