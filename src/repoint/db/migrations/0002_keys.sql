-- Access keys. A revoked key stays, so that what it did can still be named.
CREATE TABLE access_keys (
    access_key_id text COLLATE "C" PRIMARY KEY,
    -- Sealed under the master key, bound to this row's access_key_id.
    secret bytea NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    status text NOT NULL CHECK (status IN ('ACTIVE', 'REVOKED')),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CHECK ((status = 'REVOKED') = (revoked_at IS NOT NULL))
);
