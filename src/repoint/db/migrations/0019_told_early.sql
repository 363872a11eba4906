-- What is told of messages before they are noted, and what End User Messaging tells of them.

-- One thing that was told of an e-mail that nobody knew, kept for a while.
CREATE TABLE told_early (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Null when it may be of any.
    application_id uuid,
    -- Under which the message may be known.
    message_ids text[] COLLATE "C" NOT NULL,
    kind text NOT NULL,
    happened_at timestamptz NOT NULL,
    -- What tells it from others of its kind and message; empty when nothing does.
    key text NOT NULL,
    what json NOT NULL,
    came_at timestamptz NOT NULL,
    -- When somebody is to see whether the message is known by now.
    look_at timestamptz NOT NULL
);
CREATE INDEX told_early_by_look ON told_early (look_at);
CREATE INDEX told_early_by_message ON told_early USING hash (message_ids);

-- Names of places in a relay's queue are not noted any more, so every id is one under which a service may tell.
DROP INDEX sent_messages_by_provider_id;
CREATE INDEX sent_messages_by_provider_id ON sent_messages (provider_message_id)
    WHERE channel_type = 'EMAIL' AND provider_message_id IS NOT NULL;

-- For the whole message, in thousandths of a US cent, where the receipt tells it.
ALTER TABLE receipts ADD COLUMN price_millicents double precision;
