-- What the operator knows of vendors: shared by all instances, and reached by no route of theirs.
create table konnectory.account_types (
  -- As in URLs, or `<context>/<name>` for the instances of a context.
  id            text        primary key,
  definition    jsonb       not null,
  -- Sealed with the server's key.
  client_secret text,
  secret        text,
  created_at    timestamptz not null,
  updated_at    timestamptz not null
);
create index account_types_slug on konnectory.account_types ((definition ->> 'slug'));

-- Browsers that were sent to a vendor and are to come back.
create table konnectory.account_flows (
  instance_id  uuid        not null,
  -- SHA-256 of the state: who reads this table cannot end anybody's flow.
  state_hash   bytea       not null,
  account_type text        not null,
  session_id   text        not null,
  -- What the flow needs at its end, sealed: it may hold the PKCE verifier.
  details      text        not null,
  expires_at   timestamptz not null,
  primary key (instance_id, state_hash)
);
create index account_flows_expiry on konnectory.account_flows (instance_id, expires_at);
-- A shared callback host knows only the state.
create index account_flows_state on konnectory.account_flows (state_hash);
