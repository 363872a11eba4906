-- Who has this address, and which endpoints a user has, by one number: it costs half of what comparing the application's
-- id and a text cost each row that is written, it takes keys of any length, and no statement can mistake such an index
-- for a way to all endpoints of an application.

-- A key within its application; different keys may share a number, so whoever looks one up compares the key, too.
CREATE FUNCTION key_hash(application_id uuid, key text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    hashtextextended(key, uuid_hash_extended(application_id, 0));

DROP INDEX endpoints_by_user;
DROP INDEX endpoints_by_address;
CREATE INDEX endpoints_by_user ON endpoints (key_hash(application_id, user_key)) WHERE user_key IS NOT NULL;
CREATE INDEX endpoints_by_address ON endpoints (key_hash(application_id, address)) WHERE address IS NOT NULL;
