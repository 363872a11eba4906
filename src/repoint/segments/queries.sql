-- list_endpoints --
-- Endpoints become members of an imported segment's version; those that are stay so.
INSERT INTO segment_members (application_id, segment_id, version, endpoint_key)
SELECT %(application_id)s::uuid, %(segment_id)s::uuid, %(version)s, key
FROM json_array_elements_text(%(keys)s) AS key
ON CONFLICT DO NOTHING

-- list_users --
-- Users whose endpoints become members of an imported segment's version; those that are on the list stay so.
INSERT INTO segment_users (application_id, segment_id, version, user_key)
SELECT %(application_id)s::uuid, %(segment_id)s::uuid, %(version)s, key
FROM json_array_elements_text(%(keys)s) AS key
ON CONFLICT DO NOTHING

-- count_channels --
-- The endpoints and snapshots that a version of an imported segment lists, by channel; users' endpoints are not listed.
SELECT channel_type, count(*) AS endpoints
FROM (
    SELECT e.endpoint_key, e.channel_type
    FROM segment_members m, LATERAL (
        SELECT endpoint_key, channel_type FROM endpoints
        WHERE application_id = m.application_id AND endpoint_key = m.endpoint_key
        OFFSET 0
    ) AS e
    WHERE m.application_id = %(application_id)s AND m.segment_id = %(segment_id)s AND m.version = %(version)s
    UNION
    SELECT endpoint_key, channel_type FROM endpoint_snapshots
    WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s AND version = %(version)s
) AS listed
WHERE channel_type IS NOT NULL
GROUP BY channel_type

-- clear_members --
-- Some endpoints that a deleted segment listed.
DELETE FROM segment_members
WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s AND (version, endpoint_key) IN (
    SELECT version, endpoint_key FROM segment_members
    WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s LIMIT %(rows)s)

-- clear_users --
-- Some users that a deleted segment listed.
DELETE FROM segment_users
WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s AND (version, user_key) IN (
    SELECT version, user_key FROM segment_users
    WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s LIMIT %(rows)s)

-- clear_snapshots --
-- Some snapshots of a deleted segment.
DELETE FROM endpoint_snapshots
WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s AND (version, endpoint_key) IN (
    SELECT version, endpoint_key FROM endpoint_snapshots
    WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s LIMIT %(rows)s)

-- clear_all_members --
-- Some endpoints that the segments of a deleted application listed.
DELETE FROM segment_members
WHERE application_id = %(application_id)s AND (segment_id, version, endpoint_key) IN (
    SELECT segment_id, version, endpoint_key FROM segment_members
    WHERE application_id = %(application_id)s LIMIT %(rows)s)

-- clear_all_users --
-- Some users that the segments of a deleted application listed.
DELETE FROM segment_users
WHERE application_id = %(application_id)s AND (segment_id, version, user_key) IN (
    SELECT segment_id, version, user_key FROM segment_users
    WHERE application_id = %(application_id)s LIMIT %(rows)s)

-- clear_all_snapshots --
-- Some snapshots of the segments of a deleted application.
DELETE FROM endpoint_snapshots
WHERE application_id = %(application_id)s AND (segment_id, version, endpoint_key) IN (
    SELECT segment_id, version, endpoint_key FROM endpoint_snapshots
    WHERE application_id = %(application_id)s LIMIT %(rows)s)
