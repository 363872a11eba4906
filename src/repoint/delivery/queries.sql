-- keep --
-- Messages into the mailbox; one that is there already stays as it is.
INSERT INTO mailbox (application_id, message_id, kept_at, channel_type, address, headline, content)
SELECT application_id::uuid, message_id, now(), channel_type, address, headline, content
FROM unnest(
    %(application_ids)s::text[], %(message_ids)s::text[], %(channel_types)s::text[], %(addresses)s::text[],
    %(headlines)s::text[], %(contents)s::bytea[]
) AS m (application_id, message_id, channel_type, address, headline, content)
ON CONFLICT DO NOTHING

-- list_kept --
-- The last messages that were kept, newest first, before one of them.
SELECT position, application_id, message_id, kept_at, channel_type, address, headline
FROM mailbox
WHERE position < %(before)s
    AND (%(application_id)s::uuid IS NULL OR application_id = %(application_id)s)
    AND (%(channel_type)s::text IS NULL OR channel_type = %(channel_type)s)
    AND (%(address)s::text IS NULL OR address = %(address)s)
ORDER BY position DESC
LIMIT %(rows)s

-- get_kept --
-- One message, by its id.
SELECT position, application_id, message_id, kept_at, channel_type, address, headline, content
FROM mailbox WHERE message_id = %(message_id)s AND application_id = %(application_id)s

-- forget_kept --
-- Some messages that were kept long enough.
DELETE FROM mailbox WHERE position IN (
    SELECT position FROM mailbox WHERE kept_at < %(before)s LIMIT %(rows)s)

-- clear_kept --
-- Some messages of an application that is gone.
DELETE FROM mailbox WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM mailbox WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- note_sent --
-- Messages that have gone out; one that is noted already is the same message sent again.
INSERT INTO sent_messages (
    application_id, message_id, sent_at, channel_type, client_id, endpoint_key, provider_message_id, detail,
    receipt_due_at)
SELECT %(application_id)s, message_id, %(sent_at)s, channel_type, client_id, endpoint_key, provider_message_id, told::json,
    CASE WHEN waits::boolean THEN %(receipt_due_at)s::timestamptz END
FROM ROWS FROM (
    json_array_elements_text(%(message_ids)s), json_array_elements_text(%(channel_types)s),
    json_array_elements_text(%(client_ids)s), json_array_elements_text(%(endpoint_keys)s),
    json_array_elements_text(%(provider_message_ids)s), string_to_table(%(told)s, chr(10)),
    json_array_elements_text(%(waits)s)
) AS m (message_id, channel_type, client_id, endpoint_key, provider_message_id, told, waits)
ON CONFLICT DO NOTHING

-- note_sent_in_parts --
-- As note_sent, with the parts that receipts will tell of. An id that an SMSC gives anew belongs to the later message,
-- and what was told of the earlier one is forgotten; what nobody has looked at yet came before we were here.
WITH parts AS (
    SELECT DISTINCT ON (receipt_id) receipt_id, message_id
    FROM ROWS FROM (
        json_array_elements_text(%(receipt_ids)s), json_array_elements_text(%(of_messages)s)
    ) AS p (receipt_id, message_id)
), noted AS (
    INSERT INTO message_parts (receipt_id, application_id, message_id, sent_at)
    SELECT receipt_id, %(application_id)s, message_id, %(sent_at)s FROM parts ORDER BY receipt_id COLLATE "C"
    ON CONFLICT (receipt_id) DO UPDATE
    SET application_id = excluded.application_id, message_id = excluded.message_id, sent_at = excluded.sent_at
), forgotten AS (
    DELETE FROM receipts USING parts WHERE receipts.receipt_id = parts.receipt_id AND receipts.is_matched
), looked_at_again AS (
    UPDATE receipts SET received_at = greatest(received_at, now())
    FROM parts WHERE receipts.receipt_id = parts.receipt_id AND NOT receipts.is_matched
)
INSERT INTO sent_messages (
    application_id, message_id, sent_at, channel_type, client_id, endpoint_key, provider_message_id, detail,
    receipt_due_at)
SELECT %(application_id)s, message_id, %(sent_at)s, channel_type, client_id, endpoint_key, provider_message_id, told::json,
    CASE WHEN waits::boolean THEN %(receipt_due_at)s::timestamptz END
FROM ROWS FROM (
    json_array_elements_text(%(message_ids)s), json_array_elements_text(%(channel_types)s),
    json_array_elements_text(%(client_ids)s), json_array_elements_text(%(endpoint_keys)s),
    json_array_elements_text(%(provider_message_ids)s), string_to_table(%(told)s, chr(10)),
    json_array_elements_text(%(waits)s)
) AS m (message_id, channel_type, client_id, endpoint_key, provider_message_id, told, waits)
ON CONFLICT DO NOTHING

-- take_turns --
-- Turns of these numbers, so many each, behind those that are taken: how many seconds from now the last of them is over.
-- No row for a number whose next turn is further away than within_s, and none of its turns taken.
INSERT INTO sms_turns AS t (number, free_at)
SELECT number, now() + make_interval(secs => count::integer * %(interval_s)s)
FROM ROWS FROM (
    json_array_elements_text(%(numbers)s), json_array_elements_text(%(counts)s)
) AS asked (number, count)
ORDER BY number COLLATE "C"
ON CONFLICT (number) DO UPDATE SET free_at = greatest(t.free_at, now()) + (excluded.free_at - now())
WHERE %(within_s)s::float8 IS NULL OR t.free_at <= now() + make_interval(secs => %(within_s)s)
RETURNING number, extract(epoch FROM free_at - now())::float8

-- forget_turns --
-- Some turns that have passed.
DELETE FROM sms_turns WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM sms_turns WHERE free_at < %(before)s LIMIT %(rows)s))

-- note_receipts --
-- How parts ended; of a part that was told of before, the first one stays.
INSERT INTO receipts (receipt_id, status, price_millicents, received_at)
SELECT DISTINCT ON (receipt_id COLLATE "C") receipt_id, status, price::double precision, %(now)s
FROM ROWS FROM (
    json_array_elements_text(%(receipt_ids)s), json_array_elements_text(%(statuses)s),
    json_array_elements_text(%(prices)s)
) WITH ORDINALITY AS r (receipt_id, status, price, place)
ORDER BY receipt_id COLLATE "C", place
ON CONFLICT DO NOTHING

-- hold_told_of --
-- The messages that receipts of these ids tell of and that wait for them, held until the transaction ends.
SELECT application_id, message_id, sent_at, channel_type, client_id, endpoint_key, detail
FROM sent_messages
WHERE receipt_due_at IS NOT NULL AND (application_id, message_id) IN (
    SELECT application_id, message_id FROM message_parts WHERE receipt_id = ANY(%(receipt_ids)s))
ORDER BY application_id, message_id
FOR UPDATE

-- match_receipts --
-- Receipts whose part is known are not looked at again by themselves.
UPDATE receipts SET is_matched = true
WHERE receipt_id = ANY(%(receipt_ids)s) AND NOT is_matched
    AND EXISTS (SELECT FROM message_parts p WHERE p.receipt_id = receipts.receipt_id)

-- parts_told --
-- What receipts say of each part of some messages; null for a part that nothing was told of.
SELECT p.application_id, p.message_id, r.status, r.price_millicents
FROM ROWS FROM (
    json_array_elements_text(%(application_ids)s), json_array_elements_text(%(message_ids)s)
) AS asked (application_id, message_id)
JOIN message_parts p ON p.application_id = asked.application_id::uuid AND p.message_id = asked.message_id
LEFT JOIN receipts r ON r.receipt_id = p.receipt_id
ORDER BY r.received_at

-- settle --
-- Nothing more is to be logged of these messages.
UPDATE sent_messages SET receipt_due_at = NULL
FROM ROWS FROM (
    json_array_elements_text(%(application_ids)s), json_array_elements_text(%(message_ids)s)
) AS told (application_id, message_id)
WHERE sent_messages.application_id = told.application_id::uuid AND sent_messages.message_id = told.message_id

-- early_receipts --
-- Receipts that came before their message was noted, and whose message has been noted since. Those that have waited for
-- longer are of messages that are none of ours, and there may be any number of them; note_sent_in_parts brings one back.
SELECT r.receipt_id FROM receipts r JOIN message_parts p ON p.receipt_id = r.receipt_id
WHERE NOT r.is_matched AND r.received_at > now() - interval '15 minutes'
LIMIT %(rows)s

-- hold_overdue --
-- Some messages for whose receipts nobody waits any longer, held until the transaction ends.
SELECT application_id, message_id, sent_at, channel_type, client_id, endpoint_key, detail
FROM sent_messages
WHERE receipt_due_at <= %(now)s
ORDER BY application_id, message_id
LIMIT %(rows)s
FOR UPDATE SKIP LOCKED

-- forget_parts --
-- Some parts that nobody tells of any more.
DELETE FROM message_parts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM message_parts WHERE sent_at < %(before)s LIMIT %(rows)s))

-- forget_receipts --
-- Some receipts that have been looked at, or whose message never was.
DELETE FROM receipts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM receipts WHERE received_at < %(before)s LIMIT %(rows)s))

-- clear_parts --
-- Some parts of messages of an application that is gone.
DELETE FROM message_parts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM message_parts WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- find_sent --
-- Those of these messages that are known.
SELECT message_id, sent_at, channel_type, client_id, endpoint_key, detail
FROM sent_messages WHERE application_id = %(application_id)s AND message_id = ANY(%(message_ids)s)

-- find_emails --
-- The e-mails that are known under these ids, ours or those of the services that sent them; of any application, or one.
SELECT application_id, message_id, sent_at, channel_type, client_id, endpoint_key, detail, provider_message_id
FROM sent_messages
WHERE application_id = ANY(CASE WHEN %(application_id)s::uuid IS NULL
        THEN ARRAY(SELECT id::uuid FROM documents WHERE kind = 'app') ELSE ARRAY[%(application_id)s::uuid] END)
    AND message_id = ANY(%(ids)s) AND channel_type = 'EMAIL'
UNION ALL
SELECT application_id, message_id, sent_at, channel_type, client_id, endpoint_key, detail, provider_message_id
FROM sent_messages
WHERE provider_message_id = ANY(%(ids)s) AND channel_type = 'EMAIL'
    AND (%(application_id)s::uuid IS NULL OR application_id = %(application_id)s)

-- note_told --
-- Things that are told of messages, in one order for all who do; those that had not been told before.
INSERT INTO told (application_id, message_id, what, told_at)
SELECT DISTINCT application_id::uuid, message_id, what, %(now)s::timestamptz
FROM ROWS FROM (
    json_array_elements_text(%(application_ids)s), json_array_elements_text(%(message_ids)s),
    json_array_elements_text(%(whats)s)
) AS t (application_id, message_id, what)
ORDER BY 1, 2, 3
ON CONFLICT DO NOTHING
RETURNING application_id, message_id, what

-- keep_told --
-- Things that are told of messages that nobody knows; of each only so many, since old links can be followed for ever.
INSERT INTO told_early (application_id, message_ids, kind, happened_at, key, what, came_at, look_at)
SELECT %(application_id)s, t.message_ids, t.kind, t.happened_at, t.key, t.what, %(now)s, %(now)s
FROM json_to_recordset(%(told)s) AS t (message_ids text[], kind text, happened_at timestamptz, key text, what json)
WHERE %(most)s > (SELECT count(*) FROM (
    SELECT FROM told_early e WHERE e.message_ids = t.message_ids LIMIT %(most)s) AS of_this_message)

-- take_told_early --
-- Some of these that it is time to look at again, held until the transaction ends.
SELECT position, application_id, message_ids, kind, happened_at, key, what, came_at FROM told_early
WHERE look_at <= %(now)s
ORDER BY look_at
LIMIT %(rows)s
FOR UPDATE SKIP LOCKED

-- settle_told_early --
-- Those that are done with, and those that are waited with for as long again as since they came.
WITH settled AS (DELETE FROM told_early WHERE position = ANY(%(done)s))
UPDATE told_early SET look_at = greatest(%(now)s + (%(now)s - came_at), %(now)s + interval '5 seconds')
WHERE position = ANY(%(kept)s)

-- clear_told_early --
-- Some of what was told of messages of an application that is gone.
DELETE FROM told_early WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM told_early WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- take_bounce_mailbox --
-- Have a mailbox that is due for oneself for a while; no row when it is not due, or somebody else's.
INSERT INTO bounce_mailboxes (name, next_at) VALUES (%(name)s, %(until)s)
ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at WHERE bounce_mailboxes.next_at <= %(now)s
RETURNING name

-- leave_bounce_mailbox --
-- Somebody is to look again then, unless another one has it by now.
UPDATE bounce_mailboxes SET next_at = %(next_at)s WHERE name = %(name)s AND next_at = %(until)s

-- forget_told --
-- Some of what was told of messages that nobody tells of any more.
DELETE FROM told WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM told WHERE told_at < %(before)s LIMIT %(rows)s))

-- clear_told --
-- Some of what was told of messages of an application that is gone.
DELETE FROM told WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM told WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- forget_sent --
-- Some messages that nobody tells of any more.
DELETE FROM sent_messages WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM sent_messages WHERE sent_at < %(before)s LIMIT %(rows)s))

-- clear_sent --
-- Some messages of an application that is gone.
DELETE FROM sent_messages WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM sent_messages WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- suppressed --
-- Which of these addresses nothing is sent to, and why.
SELECT s.channel_type, s.address, s.reason
FROM json_array_elements(%(addresses)s) AS asked (pair)
JOIN suppressions s ON s.channel_type = asked.pair->>0 AND s.address = asked.pair->>1

-- suppress --
-- Nothing is sent to this address from now on; the first reason stays.
INSERT INTO suppressions (channel_type, address, reason, suppressed_at)
VALUES (%(channel_type)s, %(address)s, %(reason)s, %(now)s)
ON CONFLICT DO NOTHING

-- release --
-- This address may be sent to again; no row when it could be already.
DELETE FROM suppressions WHERE channel_type = %(channel_type)s AND address = %(address)s

-- list_suppressed --
-- Suppressed addresses of a channel in their order, behind one of them.
SELECT channel_type, address, reason, suppressed_at FROM suppressions
WHERE channel_type = %(channel_type)s AND address > %(after)s
ORDER BY address
LIMIT %(rows)s

-- limited_scopes --
-- Whether somebody limits what an application's campaigns and journeys send together, and what all of its journeys do:
-- its settings as they are, and what journeys that go on were published with, or say themselves of a timeframe.
WITH running AS (
    SELECT journey_id, defaults FROM journey_states
    WHERE application_id = %(application_id)s::text::uuid AND state IN ('ACTIVE', 'PAUSED', 'CLOSED')
), said (of_all, of_journeys) AS (
    SELECT document->'Limits', document->'JourneyLimits' FROM documents
    WHERE kind = 'app-settings' AND id = %(application_id)s::text
    UNION ALL
    SELECT defaults->'Limits', defaults->'JourneyLimits' FROM running
    UNION ALL
    SELECT NULL, jsonb_build_object('TimeframeCap', d.document->'Limits'->'TimeframeCap')
    FROM running JOIN documents d ON d.kind = 'journey' AND d.id = replace(journey_id::text, '-', '')
)
SELECT coalesce(bool_or((of_all->>'Daily')::integer > 0), false) AS "all",
    coalesce(bool_or((of_journeys->>'DailyCap')::integer > 0
        OR (of_journeys->'TimeframeCap'->>'Cap')::integer > 0), false) AS journeys
FROM said

-- open_caps --
-- The counts of some endpoints, begun where there are none.
INSERT INTO cap_counts (application_id, endpoint_key, scope_id)
SELECT %(application_id)s, key, scope
FROM unnest(%(keys)s::text[]) AS key, unnest(%(scopes)s::uuid[]) AS scope
ORDER BY key COLLATE "C", scope
ON CONFLICT DO NOTHING

-- hold_caps --
-- The counts of some endpoints, which nobody else sees until the transaction ends.
SELECT endpoint_key, scope_id, total, sent_at FROM cap_counts
WHERE application_id = %(application_id)s AND endpoint_key = ANY(%(keys)s) AND scope_id = ANY(%(scopes)s::uuid[])
ORDER BY endpoint_key, scope_id
FOR UPDATE

-- note_caps --
-- Counts as they are now.
UPDATE cap_counts c SET total = n.total, sent_at = n.sent_at
FROM json_to_recordset(%(counts)s) AS n (endpoint_key text, scope_id uuid, total integer, sent_at timestamptz[])
WHERE c.application_id = %(application_id)s AND c.endpoint_key = n.endpoint_key AND c.scope_id = n.scope_id

-- clear_caps_of --
-- What one has counted that counts no more, among the next keys of its application; the last of these, null at the end.
WITH part AS (
    SELECT max(endpoint_key) AS last_key
    FROM (
        SELECT endpoint_key FROM cap_counts
        WHERE application_id = %(application_id)s AND endpoint_key > %(after)s
        ORDER BY endpoint_key
        LIMIT %(rows)s
    ) AS next
), gone AS (
    DELETE FROM cap_counts
    WHERE application_id = %(application_id)s AND scope_id = %(scope_id)s AND endpoint_key > %(after)s
        AND endpoint_key <= (SELECT last_key FROM part)
)
SELECT last_key FROM part

-- clear_caps --
-- Some counts of an application that is gone.
DELETE FROM cap_counts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM cap_counts WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- write_entries --
-- What became of some endpoints of a run; one that was in doubt now has its end.
INSERT INTO deliveries (
    application_id, run_id, endpoint_key, occurrence, decided_at, status, was_in_doubt, channel_type, message_id, detail,
    activity_id)
SELECT %(application_id)s, %(run_id)s, endpoint_key, occurrence::bigint, %(at)s, status, is_in_doubt::boolean,
    channel_type, message_id, detail, activity_id
FROM ROWS FROM (
    json_array_elements_text(%(endpoint_keys)s), json_array_elements_text(%(occurrences)s),
    json_array_elements_text(%(statuses)s), json_array_elements_text(%(in_doubt)s),
    json_array_elements_text(%(channel_types)s), json_array_elements_text(%(message_ids)s),
    json_array_elements_text(%(details)s), json_array_elements_text(%(activity_ids)s)
) AS e (endpoint_key, occurrence, status, is_in_doubt, channel_type, message_id, detail, activity_id)
ON CONFLICT (application_id, run_id, endpoint_key, occurrence) DO UPDATE
SET decided_at = excluded.decided_at, status = excluded.status, detail = excluded.detail
WHERE deliveries.was_in_doubt

-- find_entries --
-- Of which of these endpoints and occurrences there are entries.
SELECT d.endpoint_key, d.occurrence
FROM ROWS FROM (
    json_array_elements_text(%(endpoint_keys)s), json_array_elements_text(%(occurrences)s)
) AS asked (endpoint_key, occurrence), LATERAL (
    SELECT endpoint_key, occurrence FROM deliveries
    WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND endpoint_key = asked.endpoint_key
        AND occurrence = asked.occurrence::bigint
    OFFSET 0
) AS d

-- clear_deliveries --
-- Some entries of an application that is gone.
DELETE FROM deliveries WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM deliveries WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- forget_deliveries --
-- Some entries that nobody asks for any more.
DELETE FROM deliveries WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM deliveries WHERE decided_at < %(before)s LIMIT %(rows)s))

-- take_pace --
-- Room for some messages of a campaign or journey: how many seconds from now the first of them may go.
INSERT INTO paces AS p (application_id, scope_id, free_at)
VALUES (%(application_id)s, %(scope_id)s, clock_timestamp() + make_interval(secs => %(needs_s)s))
ON CONFLICT (application_id, scope_id)
DO UPDATE SET free_at = greatest(p.free_at, clock_timestamp()) + make_interval(secs => %(needs_s)s)
RETURNING extract(epoch FROM free_at - clock_timestamp())::float8 - %(needs_s)s AS wait_s

-- give_back_pace --
-- Room that was not needed.
UPDATE paces SET free_at = free_at - make_interval(secs => %(unused_s)s)
WHERE application_id = %(application_id)s AND scope_id = %(scope_id)s

-- delete_pace --
-- How fast something sent that is gone.
DELETE FROM paces WHERE application_id = %(application_id)s AND scope_id = %(scope_id)s

-- clear_paces --
-- Some paces of a deleted application.
DELETE FROM paces WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM paces WHERE application_id = %(application_id)s LIMIT %(rows)s))
