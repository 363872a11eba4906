-- Versions of configuration documents, and what imported segments and segment exports hold.

-- The number of the latest version; NULL for kinds that have no versions.
ALTER TABLE documents ADD COLUMN version integer CHECK (version > 0);

-- Every version of a document, the latest too. Its dates of creation and its tags are the document's.
CREATE TABLE document_versions (
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    document jsonb NOT NULL CHECK (jsonb_typeof(document) = 'object'),
    modified_at timestamptz NOT NULL,
    PRIMARY KEY (kind, id, version),
    FOREIGN KEY (kind, id) REFERENCES documents (kind, id) ON DELETE CASCADE
);

-- The endpoints that a version of an imported segment lists. They need not exist.
CREATE TABLE segment_members (
    application_id uuid NOT NULL,
    segment_id uuid NOT NULL,
    version integer NOT NULL,
    endpoint_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (application_id, segment_id, version, endpoint_key)
);

-- The users that it lists, all of whose endpoints are members. They need not exist.
CREATE TABLE segment_users (
    application_id uuid NOT NULL,
    segment_id uuid NOT NULL,
    version integer NOT NULL,
    user_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (application_id, segment_id, version, user_key)
);

-- Endpoints that an import defined without registering them: they exist in that version of the segment only. The columns
-- are those of an endpoint, so that the same conditions hold for both; user attributes are always its own.
CREATE TABLE endpoint_snapshots (
    LIKE endpoints,
    segment_id uuid NOT NULL,
    version integer NOT NULL,
    -- As it was sent; user_key is its key.
    user_id text,
    CHECK (cohort BETWEEN 0 AND 99),
    CHECK (endpoint_status IN ('ACTIVE', 'INACTIVE')),
    CHECK (opt_out IN ('ALL', 'NONE')),
    PRIMARY KEY (application_id, segment_id, version, endpoint_key)
);

-- A snapshot as an endpoint, for what is written for endpoints; its user is the other argument of endpoint_document.
CREATE FUNCTION snapshot_endpoint(s endpoint_snapshots) RETURNS endpoints LANGUAGE sql STABLE PARALLEL SAFE RETURN ROW(
    (s).application_id, (s).endpoint_key, (s).endpoint_id, (s).channel_type, (s).address, (s).attributes, (s).metrics,
    (s).app_version, (s).locale, (s).make, (s).model, (s).model_version, (s).platform, (s).platform_version, (s).timezone,
    (s).city, (s).country, (s).postal_code, (s).region, (s).latitude, (s).longitude, (s).cohort, (s).endpoint_status,
    (s).opt_out, (s).opt_out_is_explicit, (s).user_key, (s).own_user_attributes, (s).effective_at, (s).created_at,
    (s).request_id, (s).size_bound)::endpoints;

CREATE FUNCTION snapshot_user(s endpoint_snapshots) RETURNS users LANGUAGE sql STABLE PARALLEL SAFE RETURN
    ROW((s).application_id, (s).user_key, (s).user_id, (s).own_user_attributes, 1, 0)::users;

-- The members of an unfinished segment export, fixed when it starts.
CREATE TABLE job_members (
    application_id uuid NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    endpoint_key text COLLATE "C" NOT NULL,
    -- The segment whose snapshot it is; NULL for a registered endpoint.
    segment_id uuid,
    version integer,
    CHECK ((segment_id IS NULL) = (version IS NULL)),
    PRIMARY KEY (application_id, job_id, endpoint_key)
);

-- The segment that an import fills or an export writes, and which version of it.
ALTER TABLE jobs ADD COLUMN segment_id text COLLATE "C", ADD COLUMN segment_version integer;
CREATE INDEX jobs_by_segment ON jobs (application_id, segment_id, type, created_at DESC, id DESC)
    WHERE segment_id IS NOT NULL;
