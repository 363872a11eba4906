"""What became of an endpoint in a run, in words: by the ledger's status, or by why the ledger has nothing."""

from collections.abc import Mapping

# By what a row of the ledger says; a test looks that none is missing.
STATUSES: Mapping[str, str] = {
    "SUCCESS": "the channel accepted the message",
    "FAILURE": "the message could not be sent",
    "DAILY_CAP": "it had as many messages within 24 hours as it may have",
    "CAMPAIGN_CAP": "this campaign had sent to it as often as it may (Limits.Total)",
    "EXPIRED": "the time in which the message might be sent was over",
    "QUIET_TIME": "it was quiet time at the endpoint",
    "HOLDOUT": "it is held out of this campaign (HoldoutPercent)",
    "DUPLICATE_ADDRESS": "another endpoint with the same address gets the message",
    "FAILURE_PERMANENT": "the message cannot be sent to it",
    "TRANSIENT_FAILURE": "the provider could not take the message at that time",
    "THROTTLED": "the provider refused the message because there were too many",
    "UNKNOWN": "nobody can tell whether the message arrived",
    "HOOK_FAILURE": "the campaign's hook failed",
    "CUSTOM_DELIVERY_FAILURE": "the custom channel failed",
    "RECOMMENDATION_FAILURE": "no recommendation could be had",
    "UNSUPPORTED_CHANNEL": "the campaign cannot send on its channel",
    "IN_DOUBT": "the worker died while the message was on its way, and it is being sent again under the same id",
    "ENDPOINT_OPT_OUT": "it has opted out of all messages",
    "ENDPOINT_INACTIVE": "it is inactive",
    "ENDPOINT_MISSING_ADDRESS": "it has no address",
    "ENDPOINT_MISSING_CHANNEL": "it has no channel",
    "ENDPOINT_CHANNEL_MISMATCH": "the campaign has no message for its channel",
    "ENDPOINT_MISSING_TIMEZONE": "it has no valid time zone, and the campaign sends in local time",
    "FILTERED_OUT_BY_SEGMENT": "it was not in the segment when its event came",
    "FILTERED_OUT_BY_HOOK": "the campaign's hook left it out",
}

# Why a run has no row, as far as it can be told afterwards. In the order in which they are asked, but for the first.
ON_ITS_WAY = "ON_ITS_WAY"
NOT_THERE = "NOT_THERE"
CANCELLED = "CANCELLED"
HELD_OUT = "HELD_OUT"
OTHER_TREATMENT = "OTHER_TREATMENT"
NOT_STARTED = "NOT_STARTED"
FORGOTTEN = "FORGOTTEN"
WAITS_IN_BATCH = "WAITS_IN_BATCH"
NOT_TRIGGERED = "NOT_TRIGGERED"
NOT_A_MEMBER = "NOT_A_MEMBER"
NO_TURN = "NO_TURN"
NOT_DUE = "NOT_DUE"
NOT_REACHED = "NOT_REACHED"
ENDED_EARLY = "ENDED_EARLY"
NOT_A_MEMBER_THEN = "NOT_A_MEMBER_THEN"

ABSENCES: Mapping[str, str] = {
    ON_ITS_WAY: "its message is on its way",
    NOT_THERE: "there is no such endpoint",
    CANCELLED: "the run never started: {reason}",
    HELD_OUT: "it is held out of this campaign (HoldoutPercent)",
    OTHER_TREATMENT: "by its cohort it belongs to treatment {treatment}",
    NOT_STARTED: "the run has not started yet",
    FORGOTTEN: "the ledger is kept for {days} days",
    WAITS_IN_BATCH: "the run goes on, and a worker will come to it soon",
    NOT_TRIGGERED: "no event of this endpoint triggered the campaign that day",
    NOT_A_MEMBER: "it is not a member of the segment now",
    NO_TURN: "its time zone has no turn in this run",
    NOT_DUE: "its time zone has its turn at {due}",
    NOT_REACHED: "the run goes on and has not come to it yet",
    ENDED_EARLY: "the run ended before it came to it: {reason}",
    NOT_A_MEMBER_THEN: "it is a member of the segment now, and was none when the run came by",
}
