-- note_inbound --
-- Messages from people; one that its provider has told of before is not there twice. Answers the ids of the new ones.
INSERT INTO inbound_messages (
    id, provider_id, received_at, origination_number, destination_number, body, previous_message_id, reply)
SELECT id::uuid, provider_id, %(now)s, origination_number, destination_number, body, previous_message_id, reply
FROM ROWS FROM (
    json_array_elements_text(%(ids)s), json_array_elements_text(%(provider_ids)s),
    json_array_elements_text(%(origination_numbers)s), json_array_elements_text(%(destination_numbers)s),
    json_array_elements_text(%(bodies)s), json_array_elements_text(%(previous_message_ids)s),
    json_array_elements_text(%(replies)s)
) AS m (id, provider_id, origination_number, destination_number, body, previous_message_id, reply)
ORDER BY provider_id COLLATE "C"
ON CONFLICT (provider_id) DO NOTHING
RETURNING id

-- last_sent --
-- The last text message to each of these numbers.
SELECT last.*
FROM json_array_elements_text(%(numbers)s) AS asked (number),
    LATERAL (
        SELECT application_id, message_id, sent_at, channel_type, client_id, endpoint_key, detail
        FROM sent_messages
        WHERE channel_type = 'SMS' AND detail ->> 'destination_phone_number' = asked.number
        ORDER BY sent_at DESC
        LIMIT 1
    ) AS last

-- note_part --
-- A part of a longer message. One that is there is the same one told again, or is left of an earlier message.
INSERT INTO inbound_parts (origination_number, destination_number, reference, total, number, body, received_at)
VALUES (%(origination_number)s, %(destination_number)s, %(reference)s, %(total)s, %(number)s, %(body)s, %(now)s)
ON CONFLICT (origination_number, destination_number, reference, total, number)
DO UPDATE SET body = excluded.body, received_at = excluded.received_at

-- hold_whole --
-- Has whoever has other parts of this message wait until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended(%(key)s, 0))

-- take_whole --
-- The message in its order, and its parts taken away; no row as long as one is missing.
WITH parts AS (
    SELECT number, body FROM inbound_parts
    WHERE origination_number = %(origination_number)s AND destination_number = %(destination_number)s
        AND reference = %(reference)s AND total = %(total)s
), taken AS (
    DELETE FROM inbound_parts
    WHERE origination_number = %(origination_number)s AND destination_number = %(destination_number)s
        AND reference = %(reference)s AND total = %(total)s
        AND (SELECT count(*) FROM parts) = %(total)s
)
SELECT string_agg(body, '' ORDER BY number) AS body FROM parts HAVING count(*) = %(total)s

-- release_opted_out --
-- These numbers may be written to again, if it was by themselves that they could not be.
DELETE FROM suppressions WHERE channel_type = 'SMS' AND reason = 'OPT_OUT' AND address = ANY(%(numbers)s)

-- be_alone --
-- Whether this session is now the one that does this; it is until it ends or says otherwise.
SELECT pg_try_advisory_lock(hashtextextended(%(what)s, 0))

-- be_done --
-- Somebody else may do it.
SELECT pg_advisory_unlock(hashtextextended(%(what)s, 0))

-- to_publish --
-- Some messages to some of our numbers, or to all others than some, that are not published yet, behind one of them.
SELECT id, received_at, origination_number, destination_number, body, previous_message_id
FROM inbound_messages
WHERE body IS NOT NULL AND (received_at, id) > (%(after)s::timestamptz, %(after_id)s::uuid)
    AND (destination_number = ANY(%(numbers)s::text[]) OR destination_number <> ALL(%(others_than)s::text[]))
ORDER BY received_at, id
LIMIT %(rows)s

-- published --
-- These messages are published, or given up.
UPDATE inbound_messages SET body = NULL WHERE id = ANY(%(ids)s::uuid[])

-- take_replies --
-- Some messages that are to be answered, one of each person, so that nobody who writes much holds up others; whoever
-- takes them answers, and nobody else.
UPDATE inbound_messages SET reply = NULL
FROM (
    SELECT id, reply FROM inbound_messages
    WHERE reply IS NOT NULL AND id IN (
        SELECT id FROM (
            SELECT DISTINCT ON (origination_number) id, received_at FROM inbound_messages WHERE reply IS NOT NULL
            ORDER BY origination_number, received_at, id
        ) AS firsts
        ORDER BY received_at, id LIMIT %(rows)s)
    FOR UPDATE SKIP LOCKED
) AS before
WHERE inbound_messages.id = before.id
RETURNING before.id, received_at, origination_number, destination_number, before.reply

-- give_back_replies --
-- These were not answered, and may be.
UPDATE inbound_messages SET reply = told.reply
FROM ROWS FROM (
    json_array_elements_text(%(ids)s), json_array_elements_text(%(replies)s)
) AS told (id, reply)
WHERE inbound_messages.id = told.id::uuid

-- forget_inbound --
-- Some messages that nobody tells of again.
DELETE FROM inbound_messages WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM inbound_messages
    WHERE received_at < %(before)s AND body IS NULL AND reply IS NULL LIMIT %(rows)s))

-- forget_inbound_parts --
-- Some parts whose others never came.
DELETE FROM inbound_parts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM inbound_parts WHERE received_at < %(before)s LIMIT %(rows)s))
