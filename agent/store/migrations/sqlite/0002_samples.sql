-- What came of the samples of a batch.

CREATE TABLE samples (
    batch TEXT NOT NULL,            -- identity of the batch
    task TEXT NOT NULL,             -- id of the problem
    sample INTEGER NOT NULL,        -- number of the sample, from 0
    attempt INTEGER NOT NULL,       -- from 1; the last one counts
    body BLOB,
    body_blob TEXT REFERENCES blobs (hash),
    sum BLOB NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (batch, task, sample)
);
