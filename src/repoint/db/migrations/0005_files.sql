-- Uploads in parts through the API. Their parts are objects in the bucket itself; a row lasts a day.

CREATE TABLE file_uploads (
    id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[0-9a-f]{32}$'),
    bucket text NOT NULL,
    key text NOT NULL,
    begun_at timestamptz NOT NULL,
    -- Set when the object is there, so that a repeated completion gets the same answer.
    size_bytes bigint,
    etag text,
    completed_at timestamptz,
    CHECK ((completed_at IS NULL) = (etag IS NULL) AND (completed_at IS NULL) = (size_bytes IS NULL))
);

CREATE INDEX file_uploads_by_age ON file_uploads (begun_at);
