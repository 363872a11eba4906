-- channels_of --
-- What an application has set up of these kinds.
SELECT kind, id, document, created_at, modified_at
FROM documents
WHERE application_id = %(application_id)s AND kind = ANY(%(kinds)s)
ORDER BY kind
