-- application_exists --
-- One row when there is such an application.
SELECT 1 AS found FROM documents WHERE kind = 'app' AND id = %(application_id)s
