-- Import and export jobs: the job as the contract shows it, how far it has come, and the objects an import reads.

CREATE TABLE jobs (
    application_id uuid NOT NULL,
    id text COLLATE "C" NOT NULL CHECK (id ~ '^[0-9a-f]{32}$'),
    type text NOT NULL CHECK (type IN ('EXPORT', 'IMPORT')),
    status text NOT NULL CHECK (status IN (
        'CREATED', 'PREPARING_FOR_INITIALIZATION', 'INITIALIZING', 'PROCESSING', 'PENDING_JOB', 'COMPLETING',
        'COMPLETED', 'FAILING', 'FAILED')),
    definition json NOT NULL,
    created_at timestamptz NOT NULL,
    completed_at timestamptz CHECK ((completed_at IS NOT NULL) = (status IN ('COMPLETED', 'FAILED'))),
    -- 0 until the pieces are cut.
    total_pieces integer NOT NULL DEFAULT 0,
    completed_pieces integer NOT NULL DEFAULT 0,
    failed_pieces integer NOT NULL DEFAULT 0,
    total_processed bigint NOT NULL DEFAULT 0,
    total_failures bigint NOT NULL DEFAULT 0,
    failures text[] NOT NULL DEFAULT '{}' CHECK (cardinality(failures) <= 100),
    -- Raised by every worker that takes the job up; how many have since it last came on.
    epoch integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    -- Where an import goes on: the object, its last line applied, and how many of its lines were definitions.
    object_no integer NOT NULL DEFAULT 0,
    line_no bigint NOT NULL DEFAULT 0,
    definition_count bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (application_id, id)
);

CREATE INDEX jobs_by_date ON jobs (application_id, type, created_at DESC, id DESC);
CREATE INDEX active_jobs ON jobs (type) WHERE completed_at IS NULL;

-- What an unfinished import reads, in order; the rows go when it ends.
CREATE TABLE import_objects (
    application_id uuid NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    object_no integer NOT NULL,
    key text NOT NULL,
    -- As it was when the pieces were cut; an object that changes after that fails.
    etag text NOT NULL,
    pieces integer NOT NULL CHECK (pieces > 0),
    -- The first line of a CSV file.
    header text NOT NULL,
    -- Why nothing of it can be imported; NULL when it can.
    failure text,
    PRIMARY KEY (application_id, job_id, object_no)
);

-- The ranges of endpoint keys that an unfinished export writes, one object each; the rows go when it ends.
CREATE TABLE export_pieces (
    application_id uuid NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    piece_no integer NOT NULL,
    -- Keys above the first, none of which is empty, and up to the second.
    after_key text COLLATE "C" NOT NULL,
    last_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (application_id, job_id, piece_no)
);
