-- role_exists --
-- Whether the role that everything of ours connects as is there.
SELECT 1 FROM pg_roles WHERE rolname = 'repoint'

-- create_role --
-- No superuser: what our statements can do ends at our databases. CREATEDB serves the tests.
CREATE ROLE repoint LOGIN CREATEDB

-- database_exists --
-- Whether our database is there.
SELECT 1 FROM pg_database WHERE datname = 'repoint'

-- create_database --
-- A database of its own, so that nothing of ours stands in the maintenance database.
CREATE DATABASE repoint OWNER repoint
