-- application --
-- The key of one application for as long as the transaction lasts; no row when it does not exist.
SELECT 1 AS found FROM documents WHERE kind = 'app' AND id = %(application_id)s

-- stored_endpoints --
-- What the rules need of the endpoints with these keys, in the order of plan.Endpoint; instants in microseconds.
SELECT e.endpoint_key, e.endpoint_id, e.channel_type, e.address, e.endpoint_status, e.opt_out, e.opt_out_is_explicit,
       e.user_key, e.own_user_attributes, (extract(epoch FROM e.created_at) * 1000000)::bigint AS created_us,
       e.request_id, e.size_bound
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT * FROM endpoints WHERE application_id = %(application_id)s AND endpoint_key = asked.key OFFSET 0
) AS e

-- stored_users --
-- What the rules need of these users.
SELECT u.user_key, u.user_id, u.endpoint_count, u.size_bound
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT * FROM users WHERE application_id = %(application_id)s AND user_key = asked.key OFFSET 0
) AS u

-- user_attributes --
-- All attributes of these users.
SELECT u.user_key, u.attributes
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT * FROM users WHERE application_id = %(application_id)s AND user_key = asked.key OFFSET 0
) AS u

-- user_members --
-- The endpoints of these users, as the rule of the 16th sees them.
SELECT e.user_key, e.endpoint_key, (extract(epoch FROM e.effective_at) * 1000000)::bigint AS effective_us,
       (extract(epoch FROM e.created_at) * 1000000)::bigint AS created_us, e.channel_type
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT * FROM endpoints
    WHERE application_id IS NOT DISTINCT FROM %(application_id)s::uuid
        AND key_hash(application_id, user_key) = key_hash(%(application_id)s::uuid, asked.key) AND user_key = asked.key
    OFFSET 0
) AS e

-- documents_of --
-- Whole endpoints without their users, for counting their sizes exactly.
SELECT e.endpoint_key, e.document
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT endpoint_key, endpoint_document(endpoints, NULL::users) AS document FROM endpoints
    WHERE application_id = %(application_id)s AND endpoint_key = asked.key
    OFFSET 0
) AS e

-- documents_with_users --
-- Whole endpoints as answers show them.
SELECT e.endpoint_key, e.document
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT e.endpoint_key, endpoint_document(e, u) AS document
    FROM endpoints e LEFT JOIN users u ON u.application_id = e.application_id AND u.user_key = e.user_key
    WHERE e.application_id = %(application_id)s AND e.endpoint_key = asked.key
    OFFSET 0
) AS e

-- documents_of_users --
-- Every endpoint of these users as answers show it, oldest first.
SELECT asked.key, e.document
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT e.created_at, e.endpoint_key, endpoint_document(e, u) AS document
    FROM endpoints e LEFT JOIN users u ON u.application_id = e.application_id AND u.user_key = e.user_key
    WHERE e.application_id IS NOT DISTINCT FROM %(application_id)s::uuid
        AND key_hash(e.application_id, e.user_key) = key_hash(%(application_id)s::uuid, asked.key)
        AND e.user_key = asked.key
    OFFSET 0
) AS e
ORDER BY asked.key, e.created_at, e.endpoint_key

-- note_activity --
-- Those of these endpoints that exist were heard of at this time; keys come in order, so that nobody waits in a circle.
INSERT INTO endpoint_activity AS a (application_id, endpoint_key, active_at)
SELECT e.application_id, e.endpoint_key, %(at)s
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT application_id, endpoint_key FROM endpoints
    WHERE application_id = %(application_id)s AND endpoint_key = asked.key
    OFFSET 0
) AS e
ON CONFLICT (application_id, endpoint_key) DO UPDATE SET active_at = excluded.active_at
WHERE a.active_at < excluded.active_at

-- known_names --
-- Which of these names the application has used, and which of them were removed.
SELECT asked.attribute_type, asked.name, known.removed_at IS NOT NULL AS is_removed
FROM ROWS FROM (json_array_elements_text(%(types)s), json_array_elements_text(%(names)s))
    AS asked (attribute_type, name)
JOIN attribute_names known
    ON known.application_id = %(application_id)s AND known.attribute_type = asked.attribute_type
    AND known.name = asked.name

-- count_names --
-- How many names the application uses.
SELECT count(*) AS names FROM attribute_names WHERE application_id = %(application_id)s AND removed_at IS NULL

-- learn_names --
-- Names used for the first time.
INSERT INTO attribute_names (application_id, attribute_type, name)
SELECT %(application_id)s::uuid, learnt.attribute_type, learnt.name
FROM ROWS FROM (json_array_elements_text(%(types)s), json_array_elements_text(%(names)s))
    AS learnt (attribute_type, name)

-- may_recount --
-- One row when the names were not recounted in the last minutes; notes that they are now.
INSERT INTO attribute_recounts AS r (application_id, recounted_at)
VALUES (%(application_id)s, %(at)s)
ON CONFLICT (application_id) DO UPDATE SET recounted_at = excluded.recounted_at
WHERE r.recounted_at < excluded.recounted_at - make_interval(mins => 5)
RETURNING 1 AS due

-- forget_unused_names --
-- Names that no stored endpoint or user carries any more leave the catalogue.
DELETE FROM attribute_names n
WHERE n.application_id = %(application_id)s AND n.removed_at IS NULL AND NOT CASE n.attribute_type
    WHEN 'endpoint-custom-attributes' THEN EXISTS (
        SELECT FROM endpoints e WHERE e.application_id = n.application_id AND e.attributes ? n.name)
    WHEN 'endpoint-metric-attributes' THEN EXISTS (
        SELECT FROM endpoints e WHERE e.application_id = n.application_id AND e.metrics ? n.name)
    ELSE EXISTS (SELECT FROM users u WHERE u.application_id = n.application_id AND u.attributes ? n.name)
        OR EXISTS (SELECT FROM endpoints e
                   WHERE e.application_id = n.application_id AND e.own_user_attributes ? n.name)
    END

-- copy_endpoints --
-- New endpoints, as rows.new_row writes them.
COPY endpoints (
    application_id, endpoint_key, endpoint_id, cohort, created_at, channel_type, address, attributes, metrics,
    app_version, locale, make, model, model_version, platform, platform_version, timezone,
    city, country, postal_code, region, latitude, longitude,
    endpoint_status, opt_out, opt_out_is_explicit, user_key, own_user_attributes, effective_at, request_id, size_bound
) FROM STDIN

-- make_changes_table --
-- Where changes to stored endpoints are staged, once a connection.
CREATE TEMP TABLE IF NOT EXISTS endpoint_changes (
    endpoint_key text COLLATE "C", channel_type text, address text, removed jsonb, attributes jsonb, metrics jsonb,
    app_version text, locale text, make text, model text, model_version text, platform text, platform_version text,
    timezone text, city text, country text, postal_code text, region text,
    latitude double precision, longitude double precision,
    endpoint_status text, opt_out text, opt_out_is_explicit boolean, user_key text COLLATE "C",
    own_user_attributes jsonb, effective_at timestamptz, request_id text, size_bound integer
) ON COMMIT DELETE ROWS

-- copy_changes --
-- Changes to stored endpoints, as rows.change_row writes them.
COPY endpoint_changes FROM STDIN

-- merge_changes --
-- The staged changes merged into their endpoints: NULL keeps, an empty text clears, an attribute without values goes.
UPDATE endpoints e SET
    channel_type = c.channel_type,
    address = c.address,
    attributes = CASE
        WHEN c.removed IS NULL THEN e.attributes || c.attributes
        ELSE (e.attributes || c.attributes) - ARRAY(SELECT jsonb_array_elements_text(c.removed)) END,
    metrics = e.metrics || c.metrics,
    app_version = nullif(coalesce(c.app_version, e.app_version), ''),
    locale = nullif(coalesce(c.locale, e.locale), ''),
    make = nullif(coalesce(c.make, e.make), ''),
    model = nullif(coalesce(c.model, e.model), ''),
    model_version = nullif(coalesce(c.model_version, e.model_version), ''),
    platform = nullif(coalesce(c.platform, e.platform), ''),
    platform_version = nullif(coalesce(c.platform_version, e.platform_version), ''),
    timezone = nullif(coalesce(c.timezone, e.timezone), ''),
    city = nullif(coalesce(c.city, e.city), ''),
    country = nullif(coalesce(c.country, e.country), ''),
    postal_code = nullif(coalesce(c.postal_code, e.postal_code), ''),
    region = nullif(coalesce(c.region, e.region), ''),
    latitude = coalesce(c.latitude, e.latitude),
    longitude = coalesce(c.longitude, e.longitude),
    endpoint_status = c.endpoint_status,
    opt_out = c.opt_out,
    opt_out_is_explicit = c.opt_out_is_explicit,
    user_key = c.user_key,
    own_user_attributes = c.own_user_attributes,
    effective_at = c.effective_at,
    request_id = c.request_id,
    size_bound = c.size_bound
FROM (SELECT %(application_id)s::uuid AS application_id, * FROM endpoint_changes OFFSET 0) AS c
WHERE e.application_id = c.application_id AND e.endpoint_key = c.endpoint_key

-- go_by_index --
-- For this transaction: statements reach the rows they name one by one. The planner knows nothing of how many rows a
-- JSON list or a staging table holds, or of an application that was filled since the table was last analysed, and would
-- read all of an application for each row. Settings are not enough: on a table that was vacuumed empty all ways cost the
-- same to it. So OFFSET 0 keeps each look-up a subquery of its own, the list comes first, and where the hash of a key is
-- looked up the application is compared in a way that no other index can serve.
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_memoize', 'off', true)

-- deactivate_others --
-- Whoever else is ACTIVE with one of these addresses on the same channel becomes INACTIVE.
UPDATE endpoints e SET endpoint_status = 'INACTIVE'
FROM ROWS FROM (json_array_elements_text(%(channel_types)s), json_array_elements_text(%(addresses)s),
                json_array_elements_text(%(keys)s)) AS claim (channel_type, address, endpoint_key),
    LATERAL (
        SELECT ctid AS place FROM endpoints
        WHERE application_id IS NOT DISTINCT FROM %(application_id)s::uuid
            AND key_hash(application_id, address) = key_hash(%(application_id)s::uuid, claim.address)
            AND address = claim.address AND channel_type = claim.channel_type
            AND endpoint_status = 'ACTIVE' AND endpoint_key <> claim.endpoint_key
        OFFSET 0
    ) AS other
WHERE e.ctid = other.place

-- set_gone --
-- Endpoints that still have an address which is no more become INACTIVE; one that is being written anew is left alone.
UPDATE endpoints e SET endpoint_status = 'INACTIVE'
FROM ROWS FROM (json_array_elements_text(%(keys)s), json_array_elements_text(%(channel_types)s),
                json_array_elements_text(%(addresses)s)) AS gone (endpoint_key, channel_type, address),
    LATERAL (
        SELECT ctid AS place FROM endpoints
        WHERE application_id = %(application_id)s AND endpoint_key = gone.endpoint_key
            AND channel_type = gone.channel_type AND address = gone.address AND endpoint_status = 'ACTIVE'
        OFFSET 0
        FOR UPDATE SKIP LOCKED
    ) AS found
WHERE e.ctid = found.place

-- evict --
-- Endpoints that made room for the 16th of their user.
UPDATE endpoints e SET endpoint_status = 'INACTIVE', user_key = NULL
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT ctid AS place FROM endpoints
    WHERE application_id = %(application_id)s AND endpoint_key = asked.key
    OFFSET 0
) AS found
WHERE e.ctid = found.place

-- copy_users --
-- New users, as rows.new_user writes them.
COPY users (application_id, user_key, user_id, attributes, endpoint_count, size_bound) FROM STDIN

-- save_users --
-- Stored users as they are now: attributes whole where `replaced` names them, else merged into what is stored.
UPDATE users u SET
    attributes = CASE WHEN s.is_whole THEN s.attributes::jsonb ELSE u.attributes || s.attributes::jsonb END,
    endpoint_count = s.endpoint_count,
    size_bound = s.size_bound
FROM (SELECT %(application_id)s::uuid AS application_id, *
      FROM json_to_recordset(%(users)s)
          AS s (user_key text, attributes json, is_whole boolean, endpoint_count int, size_bound int)
      OFFSET 0) AS s
WHERE u.application_id = s.application_id AND u.user_key = s.user_key

-- delete_users --
-- Users whose last endpoint left.
DELETE FROM users u
USING (SELECT %(application_id)s::uuid AS application_id, key
      FROM json_array_elements_text(%(keys)s) AS key OFFSET 0) AS asked
WHERE u.application_id = asked.application_id AND u.user_key = asked.key

-- get_endpoint --
-- One endpoint as answers show it.
SELECT endpoint_document(e, u) AS document
FROM endpoints e LEFT JOIN users u ON u.application_id = e.application_id AND u.user_key = e.user_key
WHERE e.application_id = %(application_id)s AND e.endpoint_key = %(key)s

-- get_user_endpoints --
-- All endpoints of a user as answers show them, oldest first.
SELECT e.endpoint_key, endpoint_document(e, u) AS document
FROM users u JOIN endpoints e ON e.application_id = u.application_id AND e.user_key = u.user_key
    AND key_hash(e.application_id, e.user_key) = key_hash(u.application_id, u.user_key)
WHERE u.application_id = %(application_id)s AND u.user_key = %(user_key)s
ORDER BY e.created_at, e.endpoint_key

-- delete_endpoint --
-- One endpoint goes; its user's key comes back.
WITH forgotten AS (
    DELETE FROM endpoint_activity WHERE application_id = %(application_id)s AND endpoint_key = %(key)s
)
DELETE FROM endpoints WHERE application_id = %(application_id)s AND endpoint_key = %(key)s RETURNING user_key

-- release_user --
-- A user loses one endpoint.
UPDATE users SET endpoint_count = endpoint_count - 1
WHERE application_id = %(application_id)s AND user_key = %(user_key)s AND endpoint_count > 1

-- delete_user --
-- A user whose last endpoint has gone disappears.
DELETE FROM users u
WHERE u.application_id = %(application_id)s AND u.user_key = %(user_key)s AND NOT EXISTS (
    SELECT FROM endpoints e
    WHERE e.application_id = u.application_id AND e.user_key = u.user_key
        AND key_hash(e.application_id, e.user_key) = key_hash(u.application_id, u.user_key))

-- delete_user_endpoints --
-- All endpoints of a user go; their keys come back.
WITH gone AS (
    DELETE FROM endpoints
    WHERE key_hash(application_id, user_key) = key_hash(%(application_id)s::uuid, %(user_key)s)
        AND user_key = %(user_key)s AND application_id = %(application_id)s
    RETURNING endpoint_key
), forgotten AS (
    DELETE FROM endpoint_activity
    WHERE application_id = %(application_id)s AND endpoint_key IN (SELECT endpoint_key FROM gone)
)
SELECT endpoint_key FROM gone

-- names_of_type --
-- The names of one attribute type that are captured.
SELECT name FROM attribute_names
WHERE application_id = %(application_id)s AND attribute_type = %(attribute_type)s AND removed_at IS NULL

-- remove_names --
-- Values for these names are captured no longer.
UPDATE attribute_names SET removed_at = %(now)s
WHERE application_id = %(application_id)s AND attribute_type = %(attribute_type)s AND name = ANY(ARRAY(SELECT json_array_elements_text(%(names)s)))

-- clear_endpoints --
-- Some endpoints of an application that is gone.
DELETE FROM endpoints WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM endpoints WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_users --
-- Some users of an application that is gone.
DELETE FROM users WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM users WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_names --
-- The attribute names of an application that is gone.
DELETE FROM attribute_names WHERE application_id = %(application_id)s

-- clear_recounts --
-- When the names of an application that is gone were recounted.
DELETE FROM attribute_recounts WHERE application_id = %(application_id)s

-- clear_activity --
-- When the endpoints of an application that is gone were heard of.
DELETE FROM endpoint_activity WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM endpoint_activity WHERE application_id = %(application_id)s LIMIT %(rows)s))
