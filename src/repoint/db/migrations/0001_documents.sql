-- Configuration documents: applications and what is set up in them or in the account.

CREATE TABLE documents (
    -- 'app', 'campaign', 'email-template' …
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    -- The application it belongs to; empty for what belongs to the account, such as the applications themselves. Not
    -- NULL: an index gives no order behind a column that is asked for NULL.
    application_id text COLLATE "C" NOT NULL,
    -- What the caller sent, under the contract's names.
    document jsonb NOT NULL CHECK (jsonb_typeof(document) = 'object'),
    tags jsonb NOT NULL CHECK (jsonb_typeof(tags) = 'object'),
    created_at timestamptz NOT NULL,
    modified_at timestamptz NOT NULL,
    PRIMARY KEY (kind, id)
);

-- Lists run newest first, and an application takes its documents with it.
CREATE INDEX documents_by_age ON documents (application_id, kind, created_at, id);
