-- lock_segments --
-- Waits for others who change what the segments of this application are based on.
SELECT pg_advisory_xact_lock(hashtextextended(%(application_id)s, 3))

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
DELETE FROM segment_members WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM segment_members
    WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s LIMIT %(rows)s))

-- clear_users --
-- Some users that a deleted segment listed.
DELETE FROM segment_users WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM segment_users
    WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s LIMIT %(rows)s))

-- clear_snapshots --
-- Some snapshots of a deleted segment.
DELETE FROM endpoint_snapshots WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM endpoint_snapshots
    WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s LIMIT %(rows)s))

-- clear_all_members --
-- Some endpoints that the segments of a deleted application listed.
DELETE FROM segment_members WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM segment_members WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_all_users --
-- Some users that the segments of a deleted application listed.
DELETE FROM segment_users WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM segment_users WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_all_snapshots --
-- Some snapshots of the segments of a deleted application.
DELETE FROM endpoint_snapshots WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM endpoint_snapshots WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- load_sources --
-- Segments that are referred to, and those they refer to, and so on; without a version where there is no such segment.
-- Unless a version is asked for, it is the newest of those whose import has completed, or that no import made; the
-- latest as long as there is none. All sources are objects; that they are is asked since the planner would else reckon
-- with a thousand of each segment, and make room for millions, which takes half a second.
WITH RECURSIVE wanted (id, asked) AS (
    {references}
    UNION
    SELECT source->>'Id', (source->>'Version')::integer
    FROM wanted w, LATERAL ({wanted_version}) AS v,
        LATERAL jsonb_path_query(v.document, '$.SegmentGroups.Groups[*].SourceSegments[*]') AS source
    WHERE jsonb_typeof(source) = 'object'
), found AS (
    SELECT w.id, w.asked, v.version, v.document,
           CASE WHEN v.document ? 'ImportDefinition' THEN w.id::uuid END AS imported_id
    FROM wanted w LEFT JOIN LATERAL ({wanted_version}) AS v ON true
)
SELECT id, asked, version, document, {lists} FROM found

-- lists --
-- What an import has listed for the version of the row `found`, whose `imported_id` is null if no import made it.
EXISTS (SELECT FROM segment_members m WHERE m.application_id = %(application_id)s::uuid
        AND m.segment_id = imported_id AND m.version = found.version) AS lists_endpoints,
EXISTS (SELECT FROM segment_users u WHERE u.application_id = %(application_id)s::uuid
        AND u.segment_id = imported_id AND u.version = found.version) AS lists_users,
EXISTS (SELECT FROM endpoint_snapshots s WHERE s.application_id = %(application_id)s::uuid
        AND s.segment_id = imported_id AND s.version = found.version) AS has_snapshots

-- load_versions --
-- What is referred to, without what it says and without what that refers to.
SELECT id, asked, version, {lists}
FROM (
    SELECT w.id, w.asked, v.version,
           CASE WHEN v.document ? 'ImportDefinition' THEN w.id::uuid END AS imported_id
    FROM ({references}) AS w (id, asked) LEFT JOIN LATERAL ({wanted_version}) AS v ON true
) AS found

-- named_references --
-- References that are given as JSON, each an id and a version.
SELECT "Id", "Version" FROM json_to_recordset(%(references)s) AS r ("Id" text, "Version" integer)

-- wanted_version --
-- The version of a segment that the row `w` refers to. Without OFFSET the planner may first read all segments that there
-- are, of whichever application, and look at their ids afterwards.
SELECT v.version, v.document
FROM documents d
JOIN document_versions v ON v.kind = d.kind AND v.id = d.id AND v.version = coalesce(w.asked, ({current}), d.version)
WHERE d.kind = 'segment' AND d.id = w.id AND d.application_id = %(application_id)s
OFFSET 0

-- current_version --
-- The newest version of the document `d` that is complete.
SELECT version FROM document_versions
WHERE kind = d.kind AND id = d.id AND NOT document @> '{"IsIncomplete": true}'
ORDER BY version DESC
LIMIT 1

-- plan_afresh --
-- For this transaction: statements are planned for their values. A segment's are run once and their plans make the
-- difference, so a plan for any values would save nothing.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

-- go_by_index --
-- For this transaction: a range of keys is found by its index, and what belongs to a row is looked up one by one. The
-- planner knows nothing of the segments of an application that was filled since the tables were last analysed, and
-- would read all of it for each range.
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)

-- look_up --
-- The same for what is asked for again and again, by one key each time: it is planned once, which takes as long as the
-- looking up.
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true),
       set_config('plan_cache_mode', 'force_generic_plan', true)

-- all_snapshots --
-- A population: what a version of an imported segment holds without it being registered.
SELECT e.* FROM endpoint_snapshots AS e WHERE {place}

-- some_endpoints --
-- A population: the application's endpoints in a range of keys.
SELECT e.* FROM endpoints AS e
WHERE e.application_id = %(application_id)s AND e.endpoint_key > %(after_key)s AND e.endpoint_key <= %(last_key)s

-- some_listed --
-- A population: endpoints that a version of an imported segment lists, in a range of keys.
SELECT e.*
FROM segment_members AS l, LATERAL (
    SELECT * FROM endpoints WHERE application_id = %(application_id)s AND endpoint_key = l.endpoint_key OFFSET 0
) AS e
WHERE {place} AND l.endpoint_key > %(after_key)s AND l.endpoint_key <= %(last_key)s

-- some_snapshots --
-- A population: snapshots of a version of an imported segment in a range of keys.
SELECT e.* FROM endpoint_snapshots AS e
WHERE {place} AND e.endpoint_key > %(after_key)s AND e.endpoint_key <= %(last_key)s

-- these_endpoints --
-- A population: registered endpoints that are asked for by their keys.
SELECT e.*
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT * FROM endpoints WHERE application_id = %(application_id)s AND endpoint_key = asked.key OFFSET 0
) AS e

-- these_snapshots --
-- A population: snapshots of a version of an imported segment that are asked for by their keys.
SELECT e.*
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT * FROM endpoint_snapshots AS e WHERE {place} AND e.endpoint_key = asked.key OFFSET 0
) AS e

-- snapshot_documents --
-- Snapshots as answers would show them, by their keys.
SELECT s.endpoint_key, endpoint_document(snapshot_endpoint(s), snapshot_user(s)) AS document
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT * FROM endpoint_snapshots
    WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s AND version = %(version)s
        AND endpoint_key = asked.key
    OFFSET 0
) AS s

-- nth_endpoint --
-- The key that ends a range of so many of the application's endpoints; no row when there are fewer.
SELECT endpoint_key FROM endpoints
WHERE application_id = %(application_id)s AND endpoint_key > %(after_key)s AND endpoint_key <= %(last_key)s
ORDER BY endpoint_key
OFFSET %(rows)s - 1
LIMIT 1

-- nth_listed --
-- The key that ends a range of so many endpoints on a list; no row when there are fewer.
SELECT l.endpoint_key FROM segment_members AS l
WHERE {place} AND l.endpoint_key > %(after_key)s AND l.endpoint_key <= %(last_key)s
ORDER BY l.endpoint_key
OFFSET %(rows)s - 1
LIMIT 1

-- nth_snapshot --
-- The key that ends a range of so many snapshots of a version of an imported segment; no row when there are fewer.
SELECT e.endpoint_key FROM endpoint_snapshots AS e
WHERE {place} AND e.endpoint_key > %(after_key)s AND e.endpoint_key <= %(last_key)s
ORDER BY e.endpoint_key
OFFSET %(rows)s - 1
LIMIT 1

-- read_members --
-- The keys of the members in a range of a population, in no order.
SELECT json_agg(e.endpoint_key)::text AS keys FROM {rows} WHERE {is_member} {eligible}

-- read_memberships --
-- Of which of some segments endpoints are members, in their order; no row for one that is not there.
SELECT e.endpoint_key, ARRAY[{is_member}]::boolean[] FROM {rows}

-- read_membership --
-- Which of the members there are, in the same form.
SELECT key, ARRAY[true] FROM ({members}) AS m, json_array_elements_text(m.keys::json) AS member (key)

-- plan_as_usual --
-- For what follows `look_up` in a transaction that does other things as well.
SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true),
       set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true),
       set_config('plan_cache_mode', 'auto', true)

-- registered_members --
-- The members among registered endpoints, and whether they would be sent to.
SELECT e.endpoint_key, NULL::uuid AS segment_id, NULL::integer AS version, {is_eligible} AS is_eligible
FROM {rows}
WHERE {is_member}

-- snapshot_members --
-- The members among snapshots, and whether they would be sent to.
SELECT e.endpoint_key, e.segment_id, e.version, {is_eligible} AS is_eligible
FROM {rows}
WHERE {is_member}

-- no_members --
-- Nobody.
SELECT '' AS endpoint_key, NULL::uuid AS segment_id, NULL::integer AS version, false AS is_eligible WHERE false

-- distinct_members --
-- Members of several populations, each key once: the registered endpoint, else the newest of the snapshots.
SELECT DISTINCT ON (endpoint_key) endpoint_key, segment_id, version, is_eligible
FROM ({members}) AS m
ORDER BY endpoint_key, segment_id IS NOT NULL, version DESC, segment_id

-- count_members --
-- How many members there are, and how many of them would be sent to.
SELECT count(*) AS members, count(*) FILTER (WHERE is_eligible) AS eligible
FROM ({members}) AS m

-- fix_members --
-- The members as they are now become those of an export job.
INSERT INTO job_members (application_id, job_id, endpoint_key, segment_id, version)
SELECT %(application_id)s::uuid, %(job_id)s, endpoint_key, segment_id, version
FROM ({members}) AS m

-- endpoint_ids --
-- The ids of registered endpoints with these keys as they were first written.
SELECT e.endpoint_key, e.endpoint_id
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT endpoint_key, endpoint_id FROM endpoints
    WHERE application_id = %(application_id)s AND endpoint_key = asked.key
    OFFSET 0
) AS e

-- snapshot_ids --
-- The same for snapshots of a version of an imported segment.
SELECT e.endpoint_key, e.endpoint_id
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT endpoint_key, endpoint_id FROM endpoint_snapshots
    WHERE application_id = %(application_id)s AND segment_id = %(segment_id)s AND version = %(version)s
        AND endpoint_key = asked.key
    OFFSET 0
) AS e

-- one_endpoint --
-- A population: one registered endpoint.
SELECT e.* FROM endpoints AS e WHERE e.application_id = %(application_id)s AND e.endpoint_key = %(key)s

-- one_snapshot --
-- A population: one snapshot of a version of an imported segment.
SELECT e.* FROM endpoint_snapshots AS e WHERE {place} AND e.endpoint_key = %(key)s

-- explain --
-- What one row is judged to be, verdict by verdict, and whether it would be sent to.
SELECT {verdicts}::boolean[] AS verdicts, {is_eligible} AS is_eligible FROM {rows}

-- endpoint_document --
-- A registered endpoint as answers show it, and when its last event arrived.
SELECT endpoint_document(e, u) AS document, contract_instant(a.active_at) AS active_at
FROM endpoints e
    LEFT JOIN users u ON u.application_id = e.application_id AND u.user_key = e.user_key
    LEFT JOIN endpoint_activity a ON a.application_id = e.application_id AND a.endpoint_key = e.endpoint_key
WHERE e.application_id = %(application_id)s AND e.endpoint_key = %(key)s

-- snapshot_document --
-- A snapshot as answers would show it.
SELECT endpoint_document(snapshot_endpoint(e), snapshot_user(e)) AS document, NULL AS active_at
FROM endpoint_snapshots AS e WHERE {place} AND e.endpoint_key = %(key)s

-- zones_of_members --
-- The names of the members' time zones, right or wrong.
SELECT DISTINCT coalesce(e.timezone, s.timezone) AS timezone
FROM ({members}) AS m
LEFT JOIN endpoints e
    ON m.segment_id IS NULL AND e.application_id = %(application_id)s AND e.endpoint_key = m.endpoint_key
LEFT JOIN endpoint_snapshots s
    ON s.application_id = %(application_id)s AND s.segment_id = m.segment_id AND s.version = m.version
        AND s.endpoint_key = m.endpoint_key
WHERE m.is_eligible
