-- lock_application --
-- Waits for the other writers of this application. The second argument keeps these locks apart from others of ours.
SELECT pg_advisory_xact_lock(hashtextextended(%(application_id)s, 1))

-- hold_application --
-- One row when the application exists, which then cannot be deleted; changing it stays possible.
SELECT 1 AS found FROM documents WHERE kind = 'app' AND id = %(application_id)s FOR KEY SHARE

-- lock_quota --
-- Waits for others who create documents of this kind.
SELECT pg_advisory_xact_lock(hashtextextended(%(kind)s, 2))

-- insert_document --
-- A new document.
INSERT INTO documents (kind, id, application_id, document, tags, created_at, modified_at)
VALUES (%(kind)s, %(id)s, %(application_id)s, %(document)s, %(tags)s, %(now)s, %(now)s)
RETURNING id, application_id, document, tags, created_at, modified_at

-- merge_document --
-- A document with some members replaced.
UPDATE documents SET document = document || %(document)s, modified_at = %(now)s
WHERE kind = %(kind)s AND id = %(id)s
RETURNING id, application_id, document, tags, created_at, modified_at

-- get_document --
-- One document.
SELECT id, application_id, document, tags, created_at, modified_at
FROM documents
WHERE kind = %(kind)s AND id = %(id)s

-- newest_documents --
-- The documents of a kind, of one application or the account, that are older than a given one, newest first.
SELECT id, application_id, document, tags, created_at, modified_at
FROM documents
WHERE application_id = %(application_id)s AND kind = %(kind)s AND (created_at, id) < (%(created_before)s, %(id_before)s)
ORDER BY created_at DESC, id DESC
LIMIT %(rows)s

-- count_documents --
-- How many documents of a kind there are, over all applications.
SELECT count(*) AS documents FROM documents WHERE kind = %(kind)s

-- delete_document --
-- One document goes, and is answered as it was.
DELETE FROM documents
WHERE kind = %(kind)s AND id = %(id)s
RETURNING id, application_id, document, tags, created_at, modified_at

-- delete_below --
-- Every document of a deleted application.
DELETE FROM documents WHERE application_id = %(application_id)s

-- get_tags --
-- The tags of one document; no row when an ARN names nothing.
SELECT tags FROM documents
WHERE kind = %(kind)s AND id = %(id)s AND application_id = %(application_id)s

-- lock_tags --
-- One row when an ARN names a document, which nobody else changes until the transaction ends.
SELECT 1 AS found FROM documents
WHERE kind = %(kind)s AND id = %(id)s AND application_id = %(application_id)s
FOR NO KEY UPDATE

-- add_tags --
-- Tags added to a document, those of the same key replaced; all it has now.
UPDATE documents SET tags = tags || %(tags)s
WHERE kind = %(kind)s AND id = %(id)s
RETURNING tags

-- remove_tags --
-- Tags of these keys taken from a document; keys it does not have are passed over.
UPDATE documents SET tags = tags - %(keys)s::text[]
WHERE kind = %(kind)s AND id = %(id)s
