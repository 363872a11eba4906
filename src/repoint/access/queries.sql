-- find_keys --
-- The keys of these ids (joined by commas) that may be used; asked for at every call, so that a revoked key fails at the next one.
SELECT access_key_id, secret, name
FROM access_keys
WHERE access_key_id = ANY (string_to_array(%(ids)s, ',')) AND status = 'ACTIVE'

-- any_key --
-- Some key, to try the master key on; no row when there is none yet.
SELECT access_key_id, secret FROM access_keys LIMIT 1

-- insert_key --
-- A new key; its secret comes sealed.
INSERT INTO access_keys (access_key_id, secret, name, status, created_at)
VALUES (%(access_key_id)s, %(secret)s, %(name)s, 'ACTIVE', %(created_at)s)

-- list_keys --
-- A page of keys in the order of their ids, those after %(after)s.
SELECT access_key_id, name, status, created_at
FROM access_keys
WHERE access_key_id > %(after)s
ORDER BY access_key_id
LIMIT %(limit)s

-- revoke_key --
-- The key, revoked now or before; no row when there is no such key.
UPDATE access_keys
SET status = 'REVOKED', revoked_at = coalesce(revoked_at, %(now)s)
WHERE access_key_id = %(access_key_id)s
RETURNING access_key_id, name, status, created_at
