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

-- A stored text as an instant that can be compared as text, `2025-03-01T18:45:00.000000000`; NULL for one that is not of
-- the form of ISO_INSTANT (segments.md section 5) or names no date of the calendar. Never fails, and casts nothing: only
-- PostgreSQL 16 can ask whether a cast would fail. Parts are looked up because a regular expression for the whole took
-- four times as long.
CREATE FUNCTION instant_text(stored text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE WHEN
    substr(stored, 5, 3) = ANY('{-01,-02,-03,-04,-05,-06,-07,-08,-09,-10,-11,-12}')
    AND substr(stored, 8, 3) = ANY('{-01,-02,-03,-04,-05,-06,-07,-08,-09,-10,-11,-12,-13,-14,-15,-16,-17,-18,-19,-20,-21,-22,-23,-24,-25,
        -26,-27,-28,-29,-30,-31}')
    AND substr(stored, 11, 3) = ANY('{T00,T01,T02,T03,T04,T05,T06,T07,T08,T09,T10,T11,T12,T13,T14,T15,T16,T17,T18,T19,T20,T21,T22,T23}')
    AND substr(stored, 14, 3) = ANY('{:00,:01,:02,:03,:04,:05,:06,:07,:08,:09,:10,:11,:12,:13,:14,:15,:16,:17,:18,:19,:20,:21,:22,:23,:24,
        :25,:26,:27,:28,:29,:30,:31,:32,:33,:34,:35,:36,:37,:38,:39,:40,:41,:42,:43,:44,:45,:46,:47,:48,:49,
        :50,:51,:52,:53,:54,:55,:56,:57,:58,:59}')
    AND substr(stored, 17, 3) = ANY('{:00,:01,:02,:03,:04,:05,:06,:07,:08,:09,:10,:11,:12,:13,:14,:15,:16,:17,:18,:19,:20,:21,:22,:23,:24,
        :25,:26,:27,:28,:29,:30,:31,:32,:33,:34,:35,:36,:37,:38,:39,:40,:41,:42,:43,:44,:45,:46,:47,:48,:49,
        :50,:51,:52,:53,:54,:55,:56,:57,:58,:59}')
    AND left(stored, 2) = ANY('{00,01,02,03,04,05,06,07,08,09,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,
        33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63,64,65,
        66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,91,92,93,94,95,96,97,98,
        99}')
    AND substr(stored, 3, 2) = ANY('{00,01,02,03,04,05,06,07,08,09,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,
        33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63,64,65,
        66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,91,92,93,94,95,96,97,98,
        99}')
    AND (substr(stored, 20) = 'Z' OR substr(stored, 20) ~ '^[.][0-9]{1,9}Z$')
    AND substr(stored, 5, 6) <> ALL('{-02-30,-02-31,-04-31,-06-31,-09-31,-11-31}')
    AND (substr(stored, 5, 6) <> '-02-29'
        OR CASE substr(stored, 3, 2) WHEN '00' THEN left(stored, 2) ELSE substr(stored, 3, 2) END = ANY(
            '{00,04,08,12,16,20,24,28,32,36,40,44,48,52,56,60,64,68,72,76,80,84,88,92,96}'))
    THEN rpad(left(stored, 19) || '.' || rtrim(substr(stored, 21), 'Z'), 29, '0') COLLATE "C" END;

-- Along a great circle of a sphere with the Earth's mean radius (segments.md section 8); NULL without a place. What
-- rounding lifts above the antipode's distance is cut off, since asin refuses it, and least would take NULL for that.
CREATE FUNCTION distance_km(
    latitude double precision, longitude double precision, to_latitude double precision, to_longitude double precision
) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN latitude IS NOT NULL AND longitude IS NOT NULL THEN
        12742 * asin(sqrt(least(1,
            sind((to_latitude - latitude) / 2) ^ 2
            + cosd(latitude) * cosd(to_latitude) * sind((to_longitude - longitude) / 2) ^ 2))) END;

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
