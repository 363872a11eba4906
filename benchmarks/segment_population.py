"""Invented endpoints and users for the benchmarks of segments, made in the database itself: the same at each run.

Values are spread by the number of the row, keys without order. Of the five criteria that are measured an attribute
holds for a third, a user attribute for a third, a metric for a half, a country for a quarter, a channel for a fifth.
"""

from typing import Any

import psycopg

USERS = """
    INSERT INTO users (application_id, user_key, user_id, attributes, endpoint_count, size_bound)
    SELECT %(application_id)s, 'user-' || n, 'user-' || n, jsonb_build_object(
        'FirstName', jsonb_build_array('Ada'),
        'Plan', jsonb_build_array((ARRAY['free', 'silver', 'gold'])[1 + (n / 7) %% 3])), 1, 200
    FROM generate_series(0, %(count)s - 1) AS n
"""
ENDPOINTS = """
    INSERT INTO endpoints (
        application_id, endpoint_key, endpoint_id, channel_type, address, attributes, metrics, app_version, locale,
        make, platform, platform_version, city, country, latitude, longitude, cohort, endpoint_status, opt_out,
        opt_out_is_explicit, user_key, effective_at, created_at, request_id, size_bound)
    SELECT %(application_id)s, md5(n::text), md5(n::text), (ARRAY['EMAIL', 'SMS', 'GCM', 'APNS', 'CUSTOM'])[1 + n %% 5],
           'someone.' || n || '@example.com',
           jsonb_build_object(
               'Interests', jsonb_build_array((ARRAY['music', 'travel', 'food'])[1 + (n / 5) %% 3], 'art'),
               'Plan', jsonb_build_array((ARRAY['free', 'gold'])[1 + n %% 2])),
           jsonb_build_object('Visits', ((n / 3) %% 100)::double precision, 'Spent', (n %% 10000) / 100.0),
           '3.2.1', 'en_US', 'Apple', 'iOS', '17.4', 'Oslo', (ARRAY['NO', 'FR', 'US', 'IN'])[1 + (n / 11) %% 4], 59.9,
           10.8, n %% 100, 'ACTIVE', 'NONE', false, 'user-' || n, now() - n %% 60 * interval '1 day', now(),
           '6c9f3c8e-1111-2222-3333-444455556666', 900
    FROM generate_series(0, %(count)s - 1) AS n
"""

# One entry of Dimensions each.
CRITERIA: list[dict[str, Any]] = [
    {"Attributes": {"Interests": {"Values": ["music"]}}},
    {"UserAttributes": {"Plan": {"Values": ["gold"]}}},
    {"Metrics": {"Visits": {"ComparisonOperator": "GREATER_THAN_OR_EQUAL", "Value": 50}}},
    {"Location": {"Country": {"Values": ["US"]}}},
    {"Demographic": {"Channel": {"Values": ["EMAIL"]}}},
]
ALL_CRITERIA: dict[str, Any] = {member: value for entry in CRITERIA for member, value in entry.items()}


def fill(database: psycopg.Connection, application_id: str, count: int) -> None:
    """Fill an application with so many endpoints, each with a user of its own."""
    for statement in (USERS, ENDPOINTS):
        database.execute(statement, {"application_id": application_id, "count": count})
    database.execute("VACUUM ANALYZE endpoints")
    database.execute("VACUUM ANALYZE users")
    database.execute("CHECKPOINT")
