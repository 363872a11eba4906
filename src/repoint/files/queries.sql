-- begin_upload --
-- A new upload; no row when as many as allowed are open. Two beginnings at one instant may pass the limit by one.
INSERT INTO file_uploads (id, bucket, key, begun_at)
SELECT %(id)s, %(bucket)s, %(key)s, %(begun_at)s
WHERE (SELECT count(*) FROM file_uploads WHERE completed_at IS NULL) < %(max_open)s
RETURNING id

-- find_upload --
-- One upload into this bucket, open or complete.
SELECT id, bucket, key, size_bytes, etag, completed_at FROM file_uploads WHERE id = %(id)s AND bucket = %(bucket)s

-- complete_upload --
-- Note that the object is there, once.
UPDATE file_uploads SET size_bytes = %(size_bytes)s, etag = %(etag)s, completed_at = %(completed_at)s
WHERE id = %(id)s AND completed_at IS NULL

-- delete_upload --
-- Forget an upload whose parts are gone.
DELETE FROM file_uploads WHERE id = %(id)s

-- old_uploads --
-- Uploads begun before an instant, whether they were completed or not.
SELECT id, bucket FROM file_uploads WHERE begun_at < %(before)s ORDER BY begun_at LIMIT 1000
