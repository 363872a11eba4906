-- keep_otp --
-- What was sent just now, in place of what was sent before under the same reference.
INSERT INTO one_time_passwords (
    application_id, destination, reference_id, salt, hash, attempts_left, expires_at)
VALUES (
    %(application_id)s, %(destination)s, %(reference_id)s, %(salt)s, %(hash)s, %(attempts_left)s, %(expires_at)s)
ON CONFLICT (application_id, destination, reference_id) DO UPDATE
SET salt = excluded.salt, hash = excluded.hash, attempts_left = excluded.attempts_left, expires_at = excluded.expires_at

-- hold_otp --
-- What is known of a code that is still good, which nobody else sees until the transaction ends; no row for none.
SELECT salt, hash, attempts_left FROM one_time_passwords
WHERE application_id = %(application_id)s AND destination = %(destination)s AND reference_id = %(reference_id)s
    AND expires_at > %(now)s
FOR UPDATE

-- use_up_otp --
-- A code that has been said, or that was guessed at too often.
DELETE FROM one_time_passwords
WHERE application_id = %(application_id)s AND destination = %(destination)s AND reference_id = %(reference_id)s

-- count_attempt --
-- One wrong code less that may come.
UPDATE one_time_passwords SET attempts_left = attempts_left - 1
WHERE application_id = %(application_id)s AND destination = %(destination)s AND reference_id = %(reference_id)s

-- forget_otps --
-- Some codes that have expired.
DELETE FROM one_time_passwords WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM one_time_passwords WHERE expires_at < %(before)s LIMIT %(rows)s))

-- clear_otps --
-- Some codes of an application that is gone.
DELETE FROM one_time_passwords WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM one_time_passwords WHERE application_id = %(application_id)s LIMIT %(rows)s))
