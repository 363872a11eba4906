-- insert_job --
-- A new job.
INSERT INTO jobs (application_id, id, type, status, definition, created_at)
VALUES (%(application_id)s, %(job_id)s, %(type)s, 'CREATED', %(definition)s, %(now)s)
RETURNING *

-- count_active --
-- How many jobs of a type have not ended, over all applications.
SELECT count(*) AS jobs FROM jobs WHERE type = %(type)s AND completed_at IS NULL

-- get_job --
-- One job of a type.
SELECT * FROM jobs WHERE application_id = %(application_id)s AND id = %(job_id)s AND type = %(type)s

-- newest_jobs --
-- An application's jobs of a type that are older than a given one, newest first.
SELECT * FROM jobs
WHERE application_id = %(application_id)s AND type = %(type)s
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
    failures = CASE WHEN cardinality(failures) < 100 THEN (failures || %(failures)s::text[])[1:100] ELSE failures END,
    object_no = %(object_no)s,
    line_no = %(line_no)s,
    definition_count = %(definition_count)s,
    tries = 0
WHERE application_id = %(application_id)s AND id = %(job_id)s

-- finish_job --
-- All pieces are done.
UPDATE jobs SET status = CASE WHEN failed_pieces > 0 THEN 'FAILED' ELSE 'COMPLETED' END, completed_at = %(now)s
WHERE application_id = %(application_id)s AND id = %(job_id)s

-- fail_job --
-- The job ends here: every piece that is not done has failed, for one reason.
UPDATE jobs SET
    status = 'FAILED',
    completed_at = %(now)s,
    total_pieces = greatest(total_pieces, 1),
    failed_pieces = greatest(total_pieces, 1) - completed_pieces,
    failures = (failures || %(failure)s::text)[1:100]
WHERE application_id = %(application_id)s AND id = %(job_id)s

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

-- delete_jobs --
-- An application's jobs go with it.
DELETE FROM jobs WHERE application_id = %(application_id)s

-- clear_objects --
-- Some of what a deleted application's imports were reading.
DELETE FROM import_objects
WHERE application_id = %(application_id)s AND (job_id, object_no) IN (
    SELECT job_id, object_no FROM import_objects WHERE application_id = %(application_id)s LIMIT %(rows)s)

-- clear_pieces --
-- Some of what a deleted application's exports were writing.
DELETE FROM export_pieces
WHERE application_id = %(application_id)s AND (job_id, piece_no) IN (
    SELECT job_id, piece_no FROM export_pieces WHERE application_id = %(application_id)s LIMIT %(rows)s)
