-- What a key may do, and the record of what was done.

ALTER TABLE access_keys
    -- An IAM policy, its text as it was given; NULL for a key that may do everything.
    ADD COLUMN policy json,
    -- Raised by every change of the policy: who has read it sees at the next call that it is another one.
    ADD COLUMN policy_version integer NOT NULL DEFAULT 0,
    -- What policies call aws:PrincipalTag.
    ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');

-- Rows are only added, and removed when they are old enough.
CREATE TABLE audit_records (
    -- In the order in which rows become visible, since whoever adds rows is alone until they are committed: who has seen
    -- one has seen all before it.
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- When the call was made.
    occurred_at timestamptz NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    event_name text COLLATE "C" NOT NULL,
    -- In the form of CloudTrail (auth.md section 10).
    record text NOT NULL
);
CREATE INDEX audit_records_by_time ON audit_records (occurred_at, id);
CREATE INDEX audit_records_by_user ON audit_records (user_name, occurred_at, id);
CREATE INDEX audit_records_by_event ON audit_records (event_name, occurred_at, id);
