-- lock_application --
-- Waits for the other writers of this application. The second argument keeps these locks apart from others of ours.
SELECT pg_advisory_xact_lock(hashtextextended(%(application_id)s, 1))

-- hold_application --
-- One row when the application exists, which then cannot be deleted; changing it stays possible.
SELECT 1 AS found FROM documents WHERE kind = 'app' AND id = %(application_id)s FOR KEY SHARE

-- lock_quota --
-- Waits for others who create documents of this kind.
SELECT pg_advisory_xact_lock(hashtextextended(%(kind)s, 2))
