-- Receipts of text messages, and what people write back.

-- Until when a receipt is waited for; null when there is none to come, or it has come.
ALTER TABLE sent_messages ADD COLUMN receipt_due_at timestamptz;
CREATE INDEX sent_messages_by_due ON sent_messages (receipt_due_at) WHERE receipt_due_at IS NOT NULL;
-- What was sent to somebody last.
CREATE INDEX sent_messages_by_number ON sent_messages ((detail ->> 'destination_phone_number'), sent_at)
    WHERE channel_type = 'SMS';

-- One part of a text message that went out, under the id by which a receipt will tell of it.
CREATE TABLE message_parts (
    -- The provider's name, a slash, and what it calls the part.
    receipt_id text COLLATE "C" PRIMARY KEY,
    application_id uuid NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    sent_at timestamptz NOT NULL
);
CREATE INDEX message_parts_by_message ON message_parts (application_id, message_id);
CREATE INDEX message_parts_by_age ON message_parts USING brin (sent_at);

-- How a part ended; it may be told before the part is noted.
CREATE TABLE receipts (
    receipt_id text COLLATE "C" PRIMARY KEY,
    status text NOT NULL,
    received_at timestamptz NOT NULL,
    -- Whether its part was known when somebody looked last.
    is_matched boolean NOT NULL DEFAULT false
);
CREATE INDEX receipts_unmatched ON receipts (receipt_id) WHERE NOT is_matched;
CREATE INDEX receipts_by_age ON receipts USING brin (received_at);

-- A text message that somebody sent to one of our numbers.
CREATE TABLE inbound_messages (
    -- inboundMessageId
    id uuid PRIMARY KEY,
    -- The provider's name, a slash, and what it calls the message; null when it gives no id.
    provider_id text COLLATE "C" UNIQUE,
    received_at timestamptz NOT NULL,
    origination_number text COLLATE "C" NOT NULL,
    destination_number text COLLATE "C" NOT NULL,
    -- Null when it was published, or is not to be.
    body text,
    -- The last message that was sent to this number before.
    previous_message_id text,
    -- What is to be answered; null when nothing is, or it was.
    reply text
);
CREATE INDEX inbound_messages_unpublished ON inbound_messages (received_at, id) WHERE body IS NOT NULL;
CREATE INDEX inbound_messages_unanswered ON inbound_messages (received_at, id) WHERE reply IS NOT NULL;
CREATE INDEX inbound_messages_by_age ON inbound_messages USING brin (received_at);

-- A part of a longer one, kept until all of them are there.
CREATE TABLE inbound_parts (
    origination_number text COLLATE "C" NOT NULL,
    destination_number text COLLATE "C" NOT NULL,
    reference integer NOT NULL,
    total smallint NOT NULL,
    number smallint NOT NULL,
    body text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (origination_number, destination_number, reference, total, number)
);
CREATE INDEX inbound_parts_by_age ON inbound_parts USING brin (received_at);
