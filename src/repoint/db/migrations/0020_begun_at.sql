-- Which slot of a treatment came first: an IMMEDIATE one recurs from there, on the same day of each month.
ALTER TABLE campaign_treatments ADD COLUMN begun_at timestamptz;
