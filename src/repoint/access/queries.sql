-- find_keys --
-- The keys of these ids (joined by commas) that may be used; asked for at every call, so that a revoked key fails at the next one.
SELECT access_key_id, secret, name, policy_version
FROM access_keys
WHERE access_key_id = ANY (string_to_array(%(ids)s, ',')) AND status = 'ACTIVE'

-- find_policies --
-- What these keys (joined by commas) may do, a policy being text; asked for once for each version of it.
SELECT access_key_id, policy::text AS policy, policy_version, tags
FROM access_keys
WHERE access_key_id = ANY (string_to_array(%(ids)s, ','))

-- any_key --
-- Some key, to try the master key on; no row when there is none yet.
SELECT access_key_id, secret FROM access_keys LIMIT 1

-- insert_key --
-- A new key; its secret comes sealed. Without a policy it may do everything.
INSERT INTO access_keys (access_key_id, secret, name, status, created_at, policy, policy_version, tags)
VALUES (
    %(access_key_id)s, %(secret)s, %(name)s, 'ACTIVE', %(created_at)s,
    %(policy)s::json, CASE WHEN %(policy)s::json IS NULL THEN 0 ELSE 1 END, %(tags)s
)

-- get_policy --
-- One key with its policy as it was written; no row when there is no such key.
SELECT access_key_id, name, status, created_at, policy IS NOT NULL AS has_policy, policy::text AS policy
FROM access_keys
WHERE access_key_id = %(access_key_id)s

-- set_policy --
-- Another policy for a key, or none when it is NULL; no row when there is no such key.
UPDATE access_keys
SET policy = %(policy)s::json, policy_version = policy_version + 1
WHERE access_key_id = %(access_key_id)s
RETURNING access_key_id, name, status, created_at, policy IS NOT NULL AS has_policy

-- list_keys --
-- A page of keys in the order of their ids, those after %(after)s.
SELECT access_key_id, name, status, created_at, policy IS NOT NULL AS has_policy
FROM access_keys
WHERE access_key_id > %(after)s
ORDER BY access_key_id
LIMIT %(limit)s

-- revoke_key --
-- The key, revoked now or before; no row when there is no such key.
UPDATE access_keys
SET status = 'REVOKED', revoked_at = coalesce(revoked_at, %(now)s)
WHERE access_key_id = %(access_key_id)s
RETURNING access_key_id, name, status, created_at, policy IS NOT NULL AS has_policy

-- add_record --
-- One record of a change, in its transaction, as the last thing in it: whoever adds records is alone until the commit,
-- so that a later id is never seen before an earlier one. The second argument keeps this lock apart from others of ours.
WITH alone AS MATERIALIZED (SELECT pg_advisory_xact_lock(0, 8))
INSERT INTO audit_records (occurred_at, user_name, event_name, record)
SELECT %(occurred_at)s, %(user_name)s, %(event_name)s, %(record)s FROM alone

-- be_alone --
-- Waits for others who add records, for those who add many.
SELECT pg_advisory_xact_lock(0, 8)

-- add_records --
-- Records of a group, in the order of their calls.
COPY audit_records (occurred_at, user_name, event_name, record) FROM STDIN

-- newest_records --
-- Records that stand before a place in time, newest first; NULL filters nothing.
SELECT id, occurred_at, record
FROM audit_records
WHERE (occurred_at, id) < (%(time_before)s, %(id_before)s) AND id <= %(up_to)s
    AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
    AND (%(user)s::text IS NULL OR user_name = %(user)s)
    AND (%(event)s::text IS NULL OR event_name = %(event)s)
    AND (%(without)s::text IS NULL OR event_name <> %(without)s)
ORDER BY occurred_at DESC, id DESC
LIMIT %(rows)s

-- added_records --
-- Records that were added after another one, in that order; NULL filters nothing.
SELECT id, occurred_at, record
FROM audit_records
WHERE id > %(after)s AND id <= %(up_to)s
    AND (%(user)s::text IS NULL OR user_name = %(user)s)
    AND (%(event)s::text IS NULL OR event_name = %(event)s)
    AND (%(without)s::text IS NULL OR event_name <> %(without)s)
ORDER BY id
LIMIT %(rows)s

-- last_record --
-- The last record that was added, 0 when there is none.
SELECT coalesce(max(id), 0) AS id FROM audit_records

-- delete_records --
-- Some of the records of calls that were made before a time.
DELETE FROM audit_records WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM audit_records WHERE occurred_at < %(before)s ORDER BY occurred_at, id LIMIT %(rows)s))
