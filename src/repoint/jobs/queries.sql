-- insert_job --
-- A new job.
INSERT INTO jobs (
    application_id, id, type, status, definition, created_at, segment_id, segment_version, keeps_status)
VALUES (
    %(application_id)s, %(job_id)s, %(type)s, 'CREATED', %(definition)s, %(now)s, %(segment_id)s, %(segment_version)s,
    %(keeps_status)s)
RETURNING *

-- count_active_imports --
-- How many imports, dry runs too, have not ended, over all applications.
SELECT count(*) AS jobs FROM jobs WHERE type IN ('DRY_RUN', 'IMPORT') AND completed_at IS NULL

-- get_job --
-- One job of a type.
SELECT * FROM jobs WHERE application_id = %(application_id)s AND id = %(job_id)s AND type = %(type)s

-- get_any_import --
-- One import or dry run.
SELECT * FROM jobs
WHERE application_id = %(application_id)s AND id = %(job_id)s AND type IN ('DRY_RUN', 'IMPORT')

-- newest_jobs --
-- An application's jobs of a type that are older than a given one, newest first.
SELECT * FROM jobs
WHERE application_id = %(application_id)s AND type = %(type)s
    AND (created_at, id) < (%(created_before)s, %(id_before)s)
ORDER BY created_at DESC, id DESC
LIMIT %(rows)s

-- newest_segment_jobs --
-- Those of them that fill or write a segment.
SELECT * FROM jobs
WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s AND type = %(type)s
    AND (created_at, id) < (%(created_before)s, %(id_before)s)
ORDER BY created_at DESC, id DESC
LIMIT %(rows)s

-- take_job --
-- A worker takes up a job that has not ended: its new epoch.
UPDATE jobs SET
    epoch = epoch + 1,
    tries = tries + 1,
    status = CASE status WHEN 'CREATED' THEN 'PREPARING_FOR_INITIALIZATION' ELSE status END
WHERE application_id = %(application_id)s AND id = %(job_id)s AND completed_at IS NULL
RETURNING epoch

-- confirm_job --
-- The job, held until the transaction ends, if its epoch is still this one.
SELECT 1 AS held FROM jobs
WHERE application_id = %(application_id)s AND id = %(job_id)s AND epoch = %(epoch)s
FOR UPDATE

-- taken_job --
-- A job as the worker that took it needs it.
SELECT * FROM jobs WHERE application_id = %(application_id)s AND id = %(job_id)s

-- begin_cutting --
-- The pieces are being cut; what an earlier try has left goes with delete_objects or delete_pieces.
UPDATE jobs SET status = 'INITIALIZING' WHERE application_id = %(application_id)s AND id = %(job_id)s

-- end_cutting --
-- The pieces are cut.
UPDATE jobs SET status = 'PROCESSING', total_pieces = %(total_pieces)s, tries = 0
WHERE application_id = %(application_id)s AND id = %(job_id)s

-- insert_object --
-- An object that an import will read.
INSERT INTO import_objects (application_id, job_id, object_no, key, etag, pieces, header, failure)
VALUES (%(application_id)s, %(job_id)s, %(object_no)s, %(key)s, %(etag)s, %(pieces)s, %(header)s, %(failure)s)

-- next_objects --
-- Objects that an import still has to read, in order.
SELECT object_no, key, etag, pieces, header, failure FROM import_objects
WHERE application_id = %(application_id)s AND job_id = %(job_id)s AND object_no >= %(object_no)s
ORDER BY object_no
LIMIT %(rows)s

-- delete_objects --
-- What an import reads is no longer of interest.
DELETE FROM import_objects WHERE application_id = %(application_id)s AND job_id = %(job_id)s

-- advance_import --
-- Progress of a job, with the place where it goes on.
UPDATE jobs SET
    status = CASE WHEN failed_pieces + %(failed_pieces)s > 0 THEN 'FAILING' ELSE 'PROCESSING' END,
    completed_pieces = completed_pieces + %(completed_pieces)s,
    failed_pieces = failed_pieces + %(failed_pieces)s,
    total_processed = total_processed + %(processed)s,
    total_failures = total_failures + %(failed)s,
    statuses_ignored = statuses_ignored + %(statuses_ignored)s,
    failures = CASE WHEN cardinality(failures) < 100 THEN (failures || %(failures)s::text[])[1:100] ELSE failures END,
    object_no = %(object_no)s,
    line_no = %(line_no)s,
    definition_count = %(definition_count)s,
    tries = 0
WHERE application_id = %(application_id)s AND id = %(job_id)s

-- begin_completing --
-- All pieces are done, and the segment is about to be closed.
UPDATE jobs SET status = 'COMPLETING'
WHERE application_id = %(application_id)s AND id = %(job_id)s AND failed_pieces = 0

-- finish_job --
-- All pieces are done; how many definitions were handled well, and whether that was all of them.
UPDATE jobs SET status = CASE WHEN failed_pieces > 0 THEN 'FAILED' ELSE 'COMPLETED' END, completed_at = %(now)s
WHERE application_id = %(application_id)s AND id = %(job_id)s
RETURNING total_processed - total_failures AS imported, status = 'COMPLETED' AS is_complete

-- fail_job --
-- The job ends here: every piece that is not done has failed, for one reason; as for `finish_job`.
UPDATE jobs SET
    status = 'FAILED',
    completed_at = %(now)s,
    total_pieces = greatest(total_pieces, 1),
    failed_pieces = greatest(total_pieces, 1) - completed_pieces,
    -- The reason is told also when a hundred rows have failed before.
    failures = failures[1:99] || %(failure)s::text
WHERE application_id = %(application_id)s AND id = %(job_id)s
RETURNING total_processed - total_failures AS imported, false AS is_complete

-- piece_end --
-- The key that ends a piece which begins behind a key; no row when there are fewer endpoints left than fill one.
SELECT endpoint_key FROM endpoints
WHERE application_id = %(application_id)s AND endpoint_key > %(after_key)s
ORDER BY endpoint_key
OFFSET %(endpoints)s - 1
LIMIT 1

-- last_key --
-- The greatest key of an application.
SELECT endpoint_key FROM endpoints WHERE application_id = %(application_id)s ORDER BY endpoint_key DESC LIMIT 1

-- insert_piece --
-- A range of keys that an export will write into one object.
INSERT INTO export_pieces (application_id, job_id, piece_no, after_key, last_key)
VALUES (%(application_id)s, %(job_id)s, %(piece_no)s, %(after_key)s, %(last_key)s)

-- pieces_left --
-- The pieces that an export has not written yet.
SELECT piece_no, after_key, last_key FROM export_pieces
WHERE application_id = %(application_id)s AND job_id = %(job_id)s
ORDER BY piece_no

-- last_member --
-- The greatest key of a segment export's members.
SELECT endpoint_key FROM job_members
WHERE application_id = %(application_id)s AND job_id = %(job_id)s
ORDER BY endpoint_key DESC
LIMIT 1

-- member_piece_end --
-- The key that ends a piece of members which begins behind a key; no row when there are fewer left than fill one.
SELECT endpoint_key FROM job_members
WHERE application_id = %(application_id)s AND job_id = %(job_id)s AND endpoint_key > %(after_key)s
ORDER BY endpoint_key
OFFSET %(endpoints)s - 1
LIMIT 1

-- hold_filling_import --
-- One row when an import that fills this version of a segment has not ended, which it then cannot.
SELECT 1 AS held FROM jobs
WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s AND segment_version = %(version)s
    AND type = 'IMPORT' AND completed_at IS NULL
FOR NO KEY UPDATE

-- begin_waiting --
-- A segment's export waits for an import to end.
UPDATE jobs SET status = 'PENDING_JOB', tries = 0 WHERE application_id = %(application_id)s AND id = %(job_id)s

-- wake_exports --
-- An application's exports that wait for an import do so no longer. One that is held is just looking which imports run,
-- and will find that this one has ended.
UPDATE jobs SET status = 'PREPARING_FOR_INITIALIZATION'
WHERE application_id = %(application_id)s AND id IN (
    SELECT id FROM jobs
    WHERE application_id = %(application_id)s AND type = 'EXPORT' AND status = 'PENDING_JOB'
    FOR UPDATE SKIP LOCKED)
RETURNING id

-- delete_job_members --
-- The members of an export's segment are no longer of interest.
DELETE FROM job_members WHERE application_id = %(application_id)s AND job_id = %(job_id)s

-- delete_piece_members --
-- Nor are those of a piece that is written.
DELETE FROM job_members
WHERE application_id = %(application_id)s AND job_id = %(job_id)s
    AND endpoint_key > %(after_key)s AND endpoint_key <= %(last_key)s

-- read_lines --
-- Endpoints with keys above one and up to another as lines of an export, at most so many, and the last key among them.
SELECT string_agg(document, E'\n' ORDER BY endpoint_key) || E'\n' AS lines, count(*) AS endpoints,
       max(endpoint_key) AS last_key
FROM (
    SELECT e.endpoint_key, endpoint_document(e, u) AS document
    FROM endpoints e
    LEFT JOIN users u ON u.application_id = e.application_id AND u.user_key = e.user_key
    WHERE e.application_id = %(application_id)s
        AND e.endpoint_key > %(after_key)s AND e.endpoint_key <= %(last_key)s
    ORDER BY e.endpoint_key
    LIMIT %(endpoints)s
) AS part

-- read_member_lines --
-- The same of an export's members: registered endpoints as they are now, those that were deleted left out, and snapshots;
-- and whose snapshot is not there any more, if one is missing.
SELECT string_agg(document, E'\n' ORDER BY endpoint_key) || E'\n' AS lines, count(document) AS endpoints,
       max(endpoint_key) AS last_key, min(replace(segment_id::text, '-', '')) FILTER (WHERE document IS NULL) AS lost_of
FROM (
    SELECT m.endpoint_key, m.segment_id, coalesce(e.document, s.document) AS document
    FROM (
        SELECT * FROM job_members
        WHERE application_id = %(application_id)s AND job_id = %(job_id)s
            AND endpoint_key > %(after_key)s AND endpoint_key <= %(last_key)s
        ORDER BY endpoint_key
        LIMIT %(endpoints)s
    ) AS m
    LEFT JOIN LATERAL (
        SELECT endpoint_document(e, u) AS document
        FROM endpoints e LEFT JOIN users u ON u.application_id = e.application_id AND u.user_key = e.user_key
        WHERE m.segment_id IS NULL AND e.application_id = m.application_id AND e.endpoint_key = m.endpoint_key
        OFFSET 0
    ) AS e ON true
    LEFT JOIN LATERAL (
        SELECT endpoint_document(snapshot_endpoint(s), snapshot_user(s)) AS document
        FROM endpoint_snapshots s
        WHERE s.application_id = m.application_id AND s.segment_id = m.segment_id AND s.version = m.version
            AND s.endpoint_key = m.endpoint_key
        OFFSET 0
    ) AS s ON true
) AS part

-- advance_export --
-- A piece is written.
UPDATE jobs SET completed_pieces = completed_pieces + 1, total_processed = total_processed + %(processed)s, tries = 0
WHERE application_id = %(application_id)s AND id = %(job_id)s

-- delete_piece --
-- A piece is written.
DELETE FROM export_pieces
WHERE application_id = %(application_id)s AND job_id = %(job_id)s AND piece_no = %(piece_no)s

-- delete_pieces --
-- What an export writes is no longer of interest.
DELETE FROM export_pieces WHERE application_id = %(application_id)s AND job_id = %(job_id)s

-- keep_errors --
-- The rows that failed in a batch of an import.
INSERT INTO import_errors (application_id, job_id, object_no, line_no, object_url, errors)
VALUES (%(application_id)s, %(job_id)s, %(object_no)s, %(line_no)s, %(object_url)s, %(errors)s)

-- read_errors --
-- Rows that failed in an import, in the order of the files, behind a place: object, last line of the batch, row in it.
SELECT e.object_no, e.line_no AS last_line_no, error.place, e.object_url, error.verdict
FROM import_errors e, json_array_elements(e.errors) WITH ORDINALITY AS error (verdict, place)
WHERE e.application_id = %(application_id)s AND e.job_id = %(job_id)s
    AND (e.object_no, e.line_no) >= (%(object_no)s, %(line_no)s)
    AND (e.object_no, e.line_no, error.place) > (%(object_no)s, %(line_no)s, %(place)s)
ORDER BY e.object_no, e.line_no, error.place
LIMIT %(rows)s

-- forget_errors --
-- Some of what failed in imports that ended before an instant.
DELETE FROM import_errors WHERE (application_id, job_id, object_no, line_no) IN (
    SELECT e.application_id, e.job_id, e.object_no, e.line_no
    FROM jobs j JOIN import_errors e ON e.application_id = j.application_id AND e.job_id = j.id
    WHERE j.completed_at < %(before)s
    LIMIT %(rows)s)

-- forget_dry_runs --
-- Some of the dry runs that ended before an instant.
DELETE FROM jobs WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM jobs WHERE type = 'DRY_RUN' AND completed_at < %(before)s LIMIT %(rows)s))

-- registered_keys --
-- Which of these keys are endpoints of the application.
SELECT e.endpoint_key
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT endpoint_key FROM endpoints
    WHERE application_id = %(application_id)s AND endpoint_key = asked.key
    OFFSET 0
) AS e

-- stored_snapshots --
-- The snapshots with these keys in a version of a segment: in the order of plan.Endpoint, instants in microseconds; then
-- what `Patch.cells` holds, the user's id, and the document for counting its size.
SELECT s.endpoint_key, s.endpoint_id, s.channel_type, s.address, s.endpoint_status, s.opt_out, s.opt_out_is_explicit,
       s.user_key, s.own_user_attributes, (extract(epoch FROM s.created_at) * 1000000)::bigint AS created_us,
       s.request_id, s.size_bound, (extract(epoch FROM s.effective_at) * 1000000)::bigint AS effective_us,
       ARRAY[s.attributes::text, s.metrics::text, s.app_version, s.locale, s.make, s.model, s.model_version, s.platform,
             s.platform_version, s.timezone, s.city, s.country, s.postal_code, s.region, s.latitude::text,
             s.longitude::text] AS cells,
       s.user_id, s.document
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT e.*, endpoint_document(snapshot_endpoint(e), NULL::users) AS document FROM endpoint_snapshots e
    WHERE e.application_id = %(application_id)s AND e.segment_id = %(segment_id)s AND e.version = %(version)s
        AND e.endpoint_key = asked.key
    OFFSET 0
) AS s

-- delete_snapshots --
-- Snapshots that are about to be written anew.
DELETE FROM endpoint_snapshots s
USING (SELECT key FROM json_array_elements_text(%(keys)s) AS key OFFSET 0) AS asked
WHERE s.application_id = %(application_id)s AND s.segment_id = %(segment_id)s AND s.version = %(version)s
    AND s.endpoint_key = asked.key

-- unlist_endpoints --
-- Endpoints of which there now are snapshots.
DELETE FROM segment_members m
USING (SELECT key FROM json_array_elements_text(%(keys)s) AS key OFFSET 0) AS asked
WHERE m.application_id = %(application_id)s AND m.segment_id = %(segment_id)s AND m.version = %(version)s
    AND m.endpoint_key = asked.key

-- copy_snapshots --
-- New snapshots, as rows.new_row writes endpoints, and where they belong.
COPY endpoint_snapshots (
    application_id, endpoint_key, endpoint_id, cohort, created_at, channel_type, address, attributes, metrics,
    app_version, locale, make, model, model_version, platform, platform_version, timezone,
    city, country, postal_code, region, latitude, longitude,
    endpoint_status, opt_out, opt_out_is_explicit, user_key, own_user_attributes, effective_at, request_id, size_bound,
    segment_id, version, user_id
) FROM STDIN

-- copy_members --
-- Endpoints that become members of an imported segment's version; none of them may be one.
COPY segment_members (application_id, segment_id, version, endpoint_key) FROM STDIN

-- pretend_application --
-- The application of a dry run, for the length of a transaction.
INSERT INTO documents (kind, id, application_id, document, tags, created_at, modified_at)
VALUES ('app', %(dry_run_id)s, '', '{}', '{}', now(), now())

-- end_pretence --
-- Nobody has seen it.
DELETE FROM documents WHERE kind = 'app' AND id = %(dry_run_id)s

-- copy_names --
-- A dry run knows the names of attributes that its application has used or removed.
INSERT INTO attribute_names (application_id, attribute_type, name, removed_at)
SELECT %(dry_run_id)s::uuid, attribute_type, name, removed_at FROM attribute_names
WHERE application_id = %(application_id)s
ON CONFLICT DO NOTHING

-- bar_recounts --
-- A dry run's few copies are no measure of which names are still in use.
INSERT INTO attribute_recounts (application_id, recounted_at) VALUES (%(dry_run_id)s, 'infinity')
ON CONFLICT DO NOTHING

-- copy_touched --
-- A dry run gets copies of the endpoints with these keys, and of the users that these keys or endpoints name, each user
-- with all its endpoints and only once. All of it as it stands in one instant, so that users and endpoints agree; an
-- endpoint that came to a user after the user was copied comes without it.
WITH named AS MATERIALIZED (
    SELECT e.* FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
        SELECT * FROM endpoints WHERE application_id = %(application_id)s AND endpoint_key = asked.key OFFSET 0
    ) AS e
), new_users AS (
    INSERT INTO dry_run_users (application_id, user_key)
    SELECT %(dry_run_id)s::uuid, user_key FROM named WHERE user_key IS NOT NULL
    UNION SELECT %(dry_run_id)s::uuid, key FROM json_array_elements_text(%(user_keys)s) AS key
    ON CONFLICT DO NOTHING
    RETURNING user_key
), copied AS (
    INSERT INTO users (application_id, user_key, user_id, attributes, endpoint_count, size_bound)
    SELECT %(dry_run_id)s::uuid, u.user_key, u.user_id, u.attributes, u.endpoint_count, u.size_bound
    FROM new_users n, LATERAL (
        SELECT * FROM users WHERE application_id = %(application_id)s AND user_key = n.user_key OFFSET 0
    ) AS u
), touched AS (
    SELECT e.* FROM new_users n, LATERAL (
        SELECT * FROM endpoints
        WHERE application_id IS NOT DISTINCT FROM %(application_id)s::uuid
            AND key_hash(application_id, user_key) = key_hash(%(application_id)s::uuid, n.user_key)
            AND user_key = n.user_key
        OFFSET 0
    ) AS e
    UNION ALL SELECT * FROM named
)
INSERT INTO endpoints (
    application_id, endpoint_key, endpoint_id, channel_type, address, attributes, metrics,
    app_version, locale, make, model, model_version, platform, platform_version, timezone,
    city, country, postal_code, region, latitude, longitude, cohort,
    endpoint_status, opt_out, opt_out_is_explicit, user_key, own_user_attributes, effective_at, created_at, request_id,
    size_bound)
SELECT
    %(dry_run_id)s::uuid, endpoint_key, endpoint_id, channel_type, address, attributes, metrics,
    app_version, locale, make, model, model_version, platform, platform_version, timezone,
    city, country, postal_code, region, latitude, longitude, cohort,
    endpoint_status, opt_out, opt_out_is_explicit,
    CASE WHEN user_key IN (SELECT user_key FROM new_users) THEN user_key END,
    own_user_attributes, effective_at, created_at, request_id, size_bound
FROM touched
ON CONFLICT DO NOTHING

-- delete_jobs --
-- An application's jobs go with it; those that had not ended.
WITH gone AS (DELETE FROM jobs WHERE application_id = %(application_id)s RETURNING id, type, completed_at)
SELECT id, type FROM gone WHERE completed_at IS NULL

-- clear_errors --
-- Some of what failed in a deleted application's imports.
DELETE FROM import_errors WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM import_errors WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_job_members --
-- Some members of the segments that a deleted application's exports were writing.
DELETE FROM job_members WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM job_members WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_dry_run_users --
-- Some users that a dry run had copied.
DELETE FROM dry_run_users WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM dry_run_users WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_objects --
-- Some of what a deleted application's imports were reading.
DELETE FROM import_objects WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM import_objects WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_pieces --
-- Some of what a deleted application's exports were writing.
DELETE FROM export_pieces WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM export_pieces WHERE application_id = %(application_id)s LIMIT %(rows)s))
