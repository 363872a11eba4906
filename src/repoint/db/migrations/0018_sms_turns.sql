-- Text messages to one number take turns, and receipts of messages that nobody knows cost nothing.

-- From which instant the next text message to a number may go. What a crash of the server forgets held for seconds.
CREATE UNLOGGED TABLE sms_turns (
    number text COLLATE "C" PRIMARY KEY,
    free_at timestamptz NOT NULL
);
CREATE INDEX sms_turns_by_age ON sms_turns USING brin (free_at);

-- Receipts without a message are looked at as long as one may still be noted, and not until they are forgotten.
DROP INDEX receipts_unmatched;
CREATE INDEX receipts_unmatched ON receipts (received_at) WHERE NOT is_matched;
