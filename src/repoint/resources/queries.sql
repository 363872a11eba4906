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
-- A new document; with a version it is that version, which is kept beside it.
WITH new AS (
    INSERT INTO documents (kind, id, application_id, document, tags, created_at, modified_at, version)
    VALUES (%(kind)s, %(id)s, %(application_id)s, %(document)s, %(tags)s, %(now)s, %(now)s, %(version)s)
    RETURNING *
), kept AS (
    INSERT INTO document_versions (kind, id, version, document, modified_at)
    SELECT kind, id, version, document, modified_at FROM new WHERE version IS NOT NULL
)
SELECT id, application_id, document, tags, created_at, modified_at, version FROM new

-- merge_document --
-- A document with some members replaced.
UPDATE documents SET document = document || %(document)s, modified_at = %(now)s
WHERE kind = %(kind)s AND id = %(id)s
RETURNING id, application_id, document, tags, created_at, modified_at, version

-- replace_document --
-- A document with other members.
UPDATE documents SET document = %(document)s, modified_at = %(now)s
WHERE kind = %(kind)s AND id = %(id)s
RETURNING id, application_id, document, tags, created_at, modified_at, version

-- add_version --
-- The next version of a document, which becomes the latest; no row when there is no document.
WITH latest AS (
    UPDATE documents SET document = %(document)s, modified_at = %(now)s, version = version + 1
    WHERE kind = %(kind)s AND id = %(id)s
    RETURNING *
), kept AS (
    INSERT INTO document_versions (kind, id, version, document, modified_at)
    SELECT kind, id, version, document, modified_at FROM latest
)
SELECT id, application_id, document, tags, created_at, modified_at, version FROM latest

-- amend_version --
-- A version with some members replaced, and the document too if that is its latest.
WITH amended AS (
    UPDATE document_versions SET document = document || %(document)s
    WHERE kind = %(kind)s AND id = %(id)s AND version = %(version)s
)
UPDATE documents SET document = document || %(document)s
WHERE kind = %(kind)s AND id = %(id)s AND version = %(version)s

-- get_document --
-- One document, of one application if that is given.
SELECT id, application_id, document, tags, created_at, modified_at, version
FROM documents
WHERE kind = %(kind)s AND id = %(id)s
    AND application_id = coalesce(%(application_id)s::text, application_id)

-- lock_document --
-- One document of an application, which nobody else changes or deletes until the transaction ends.
SELECT id, application_id, document, tags, created_at, modified_at, version
FROM documents
WHERE kind = %(kind)s AND id = %(id)s AND application_id = coalesce(%(application_id)s::text, application_id)
FOR NO KEY UPDATE

-- hold_document --
-- One row when there is such a document, which then cannot be deleted; changing it stays possible.
SELECT 1 AS found FROM documents
WHERE kind = %(kind)s AND id = %(id)s AND application_id = coalesce(%(application_id)s::text, application_id)
FOR KEY SHARE

-- get_version --
-- One version of a document.
SELECT d.id, d.application_id, v.document, d.tags, d.created_at, v.modified_at, v.version
FROM documents d JOIN document_versions v ON v.kind = d.kind AND v.id = d.id
WHERE d.kind = %(kind)s AND d.id = %(id)s AND v.version = %(version)s
    AND d.application_id = coalesce(%(application_id)s::text, d.application_id)

-- highest_versions --
-- The versions of a document below one of them, highest first.
SELECT d.id, d.application_id, v.document, d.tags, d.created_at, v.modified_at, v.version
FROM documents d JOIN document_versions v ON v.kind = d.kind AND v.id = d.id
WHERE d.kind = %(kind)s AND d.id = %(id)s AND v.version < %(below)s
    AND d.application_id = coalesce(%(application_id)s::text, d.application_id)
ORDER BY v.version DESC
LIMIT %(rows)s

-- newest_documents --
-- The documents of a kind, of one application or the account, that are older than a given one, newest first.
SELECT id, application_id, document, tags, created_at, modified_at, version
FROM documents
WHERE application_id = %(application_id)s AND kind = %(kind)s AND (created_at, id) < (%(created_before)s, %(id_before)s)
ORDER BY created_at DESC, id DESC
LIMIT %(rows)s

-- count_documents --
-- How many documents of a kind there are, over all applications.
SELECT count(*) AS documents FROM documents WHERE kind = %(kind)s

-- delete_document --
-- One document goes with all its versions, and is answered as it was.
DELETE FROM documents
WHERE kind = %(kind)s AND id = %(id)s AND application_id = coalesce(%(application_id)s::text, application_id)
RETURNING id, application_id, document, tags, created_at, modified_at, version

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
