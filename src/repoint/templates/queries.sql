-- create_template --
-- A new template with its first version, which is active; no row when the name is taken. The document only says which
-- version is active, its version counts those there ever were; contents and dates are those of versions.
WITH new AS (
    INSERT INTO documents (kind, id, application_id, document, tags, created_at, modified_at, version)
    VALUES (%(kind)s, %(id)s, '', '{"ActiveVersion": 1}', %(tags)s, %(now)s, %(now)s, 1)
    ON CONFLICT DO NOTHING
    RETURNING kind, id, version
), kept AS (
    INSERT INTO document_versions (kind, id, version, document, modified_at)
    SELECT kind, id, version, %(document)s, %(now)s FROM new
)
SELECT version FROM new

-- count_templates --
-- How many templates there are, over all kinds.
SELECT count(*) AS templates FROM documents WHERE kind = ANY(%(kinds)s) AND application_id = ''

-- get_template --
-- One version of a template, the active one where none is named.
SELECT d.id, d.application_id, v.document, d.tags, d.created_at, v.modified_at, v.version
FROM documents d JOIN document_versions v ON v.kind = d.kind AND v.id = d.id
WHERE d.kind = %(kind)s AND d.id = %(id)s
    AND v.version = coalesce(%(version)s, (d.document ->> 'ActiveVersion')::integer)

-- active_versions --
-- The active versions of some templates of a kind.
SELECT d.id, v.document
FROM documents d
    JOIN document_versions v
        ON v.kind = d.kind AND v.id = d.id AND v.version = (d.document ->> 'ActiveVersion')::integer
WHERE d.kind = %(kind)s AND d.id = ANY(%(names)s)

-- existing --
-- Which of some versions of templates there are; null stands for the active one.
SELECT w.type, w.name, w.version
FROM json_to_recordset(%(wanted)s) AS w (type text, kind text, name text, version integer)
WHERE EXISTS (
    SELECT FROM documents d JOIN document_versions v ON v.kind = d.kind AND v.id = d.id
    WHERE d.kind = w.kind AND d.id = w.name
        AND v.version = coalesce(w.version, (d.document ->> 'ActiveVersion')::integer)
)

-- versions_there_are --
-- The highest version of a template, and how many it has.
SELECT max(version) AS latest, count(*) AS versions FROM document_versions WHERE kind = %(kind)s AND id = %(id)s

-- add_version --
-- One more version of a template, with the next number; which one is active stays as it is.
WITH template AS (
    UPDATE documents SET version = version + 1, modified_at = %(now)s WHERE kind = %(kind)s AND id = %(id)s
    RETURNING kind, id, version
)
INSERT INTO document_versions (kind, id, version, document, modified_at)
SELECT kind, id, version, %(document)s, %(now)s FROM template

-- overwrite_version --
-- A version with another content; it was created when it was.
UPDATE document_versions
SET document = %(document)s || jsonb_build_object('CreationDate', document -> 'CreationDate'), modified_at = %(now)s
WHERE kind = %(kind)s AND id = %(id)s AND version = %(version)s

-- delete_version --
-- One version of a template goes.
DELETE FROM document_versions WHERE kind = %(kind)s AND id = %(id)s AND version = %(version)s

-- activate_version --
-- Another version becomes the active one; nothing changes when there is no such version.
UPDATE documents d SET document = jsonb_build_object('ActiveVersion', %(version)s::integer)
FROM document_versions v
WHERE d.kind = %(kind)s AND d.id = %(id)s AND v.kind = d.kind AND v.id = d.id AND v.version = %(version)s

-- templates_by_name --
-- The active versions of templates of these kinds whose names begin with a prefix, behind a name and kind.
SELECT d.kind, d.id, v.version, v.document ->> 'CreationDate' AS created, v.modified_at
FROM documents d
    JOIN document_versions v
        ON v.kind = d.kind AND v.id = d.id AND v.version = (d.document ->> 'ActiveVersion')::integer
WHERE d.application_id = '' AND d.kind = ANY(%(kinds)s) AND starts_with(d.id, %(prefix)s)
    AND (d.id, d.kind) > (%(id_after)s, %(kind_after)s)
ORDER BY d.id, d.kind
LIMIT %(rows)s
