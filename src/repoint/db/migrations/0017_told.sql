-- What was told of e-mails after they went out: bounces, complaints and the like, each noted once.

-- One thing that was told of a message.
CREATE TABLE told (
    application_id uuid NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    -- Its kind, and what tells it from another of that kind where there may be several.
    what text COLLATE "C" NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, message_id, what)
);
CREATE INDEX told_by_age ON told USING brin (told_at);

-- Services tell of messages under ids of their own, which are long; those by which a relay names a place in its queue
-- are short, mean nothing to anybody else, and are not looked for.
CREATE INDEX sent_messages_by_provider_id ON sent_messages (provider_message_id)
    WHERE channel_type = 'EMAIL' AND length(provider_message_id) > 30;

-- A mailbox that bounces are read from, and when somebody is to look into it next.
CREATE TABLE bounce_mailboxes (
    name text COLLATE "C" PRIMARY KEY,
    next_at timestamptz NOT NULL
);
