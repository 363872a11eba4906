-- What an import tells beyond the contract: every row that failed, statuses that were ignored, and dry runs.

-- A dry run judges the rows of an import and changes nothing.
ALTER TABLE jobs
    DROP CONSTRAINT jobs_type_check,
    ADD CONSTRAINT jobs_type_check CHECK (type IN ('DRY_RUN', 'EXPORT', 'IMPORT')),
    -- Whether rows may set EndpointStatus; otherwise those that say something else than ACTIVE are counted.
    ADD COLUMN keeps_status boolean NOT NULL DEFAULT false,
    ADD COLUMN statuses_ignored bigint NOT NULL DEFAULT 0;

-- The rows that failed in one batch of an import. A row each would take many times the room of the file itself.
CREATE TABLE import_errors (
    application_id uuid NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    object_no integer NOT NULL,
    -- The batch's last line.
    line_no bigint NOT NULL,
    object_url text NOT NULL,
    -- [[line, field, reason], …] in the order of the file; the field is null where none is known, the line where the
    -- rest of the object failed.
    errors json NOT NULL,
    PRIMARY KEY (application_id, job_id, object_no, line_no)
);

-- Users that an unfinished dry run has copied together with their endpoints: never twice, also when in the dry run's
-- own copies they have lost their last endpoint since.
CREATE TABLE dry_run_users (
    -- The dry run's id, under which its copies stand in `endpoints` and `users`.
    application_id uuid NOT NULL,
    user_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (application_id, user_key)
);
