-- Messages that were sent, those kept in the mailbox, and addresses that nothing is sent to.

-- A message that somebody may still tell us about: an opened picture, a followed link, a bounce, a receipt.
CREATE TABLE sent_messages (
    application_id uuid NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    sent_at timestamptz NOT NULL,
    channel_type text NOT NULL,
    -- Whom its records name: an endpoint's id, or what stands for a bare address.
    client_id text NOT NULL,
    -- The endpoint's folded id; null for a bare address.
    endpoint_key text COLLATE "C",
    -- What the provider calls it, when it gave a name of its own.
    provider_message_id text COLLATE "C",
    -- What records tell of it: sender, address, subject, where it comes from.
    detail json NOT NULL,
    PRIMARY KEY (application_id, message_id)
);
-- Rows come in the order of their age, so an index of ranges is enough, and costs next to nothing to keep.
CREATE INDEX sent_messages_by_age ON sent_messages USING brin (sent_at);

-- What the provider `mailbox` was given: messages as they would have gone out.
CREATE TABLE mailbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    application_id uuid NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    kept_at timestamptz NOT NULL,
    channel_type text NOT NULL,
    address text NOT NULL,
    -- The first thing that people look at: an e-mail's subject, the beginning of a text.
    headline text NOT NULL,
    -- An e-mail as it is on the wire, everything else as JSON.
    content bytea NOT NULL
);
CREATE UNIQUE INDEX mailbox_by_message ON mailbox (application_id, message_id);
CREATE INDEX mailbox_by_age ON mailbox USING brin (kept_at);

-- Addresses of the account that nothing is sent to: after a hard bounce or a complaint, or because they said STOP.
CREATE TABLE suppressions (
    channel_type text NOT NULL CHECK (channel_type IN ('EMAIL', 'SMS')),
    -- An e-mail address in lower case, a number as E.164.
    address text COLLATE "C" NOT NULL,
    reason text NOT NULL CHECK (reason IN ('BOUNCE', 'COMPLAINT', 'OPT_OUT', 'OPERATOR')),
    suppressed_at timestamptz NOT NULL,
    PRIMARY KEY (channel_type, address)
);
