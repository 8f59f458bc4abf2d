CREATE TABLE migrations (
	version    integer PRIMARY KEY,
	name       text NOT NULL,
	applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE records (
	kind       text COLLATE "C" NOT NULL,
	id         text COLLATE "C" NOT NULL,
	version    bigint NOT NULL,
	user_id    text,
	client_id  text,
	expires_at timestamptz,
	updated_at timestamptz NOT NULL DEFAULT now(),
	value      json NOT NULL,
	PRIMARY KEY (kind, id)
);

-- For the sweep. There is no index on user_id or client_id: each would cost every refresh
-- of a token a write, for queries that a person makes now and then.
CREATE INDEX records_expiring ON records (expires_at) WHERE expires_at IS NOT NULL;

-- For the sweep, too: of what anybody can make there is only so much.
CREATE INDEX records_of_anybody ON records (kind, expires_at)
	WHERE kind IN ('client', 'ceremony') AND expires_at IS NOT NULL;

COMMENT ON TABLE records IS 'What the MCP servers of this schema know. A deleted row is forgotten by all of them at once: delete a grant to end its tokens.';
COMMENT ON COLUMN records.version IS 'random, and another one at each change';
COMMENT ON COLUMN records.user_id IS 'from the value; changing it here changes nothing';
COMMENT ON COLUMN records.client_id IS 'from the value; changing it here changes nothing';
COMMENT ON COLUMN records.expires_at IS 'when the row may be deleted; null: never';

-- Triggers rather than a statement of the program's: so a row that a person deletes is
-- heard of too, and no way of changing one can forget to tell.
CREATE FUNCTION tell_of_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'TRUNCATE' THEN
		PERFORM pg_notify(TG_TABLE_SCHEMA, '*');
	ELSE
		PERFORM pg_notify(TG_TABLE_SCHEMA, OLD.kind || chr(10) || OLD.id);
	END IF;
	RETURN NULL;
END $$;

CREATE TRIGGER tell_of_change AFTER UPDATE OR DELETE ON records
	FOR EACH ROW EXECUTE FUNCTION tell_of_change();
CREATE TRIGGER tell_of_truncation AFTER TRUNCATE ON records
	FOR EACH STATEMENT EXECUTE FUNCTION tell_of_change();
