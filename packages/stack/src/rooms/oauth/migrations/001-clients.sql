-- What a client's document (`io.cozy.oauth.clients`) does not hold, since the document goes out to others.
create table konnectory.oauth_clients (
  instance_id uuid        not null,
  client_id   text        not null,
  -- Sealed by the keyring. Not a hash: the protocol gives a client its secret back when it asks with its registration token.
  secret      text        not null,
  -- When a client that was never given a code is removed; null from its first code on.
  expires_at  timestamptz,
  primary key (instance_id, client_id)
);
create index oauth_clients_expiring on konnectory.oauth_clients (expires_at) where expires_at is not null;

-- Access codes, each taken out by the one exchange it is good for.
create table konnectory.oauth_codes (
  instance_id  uuid        not null,
  -- SHA-256: a copy of the database opens nothing.
  code_hash    bytea       not null,
  client_id    text        not null,
  redirect_uri text        not null,
  scope        text        not null,
  challenge    text,
  expires_at   timestamptz not null,
  primary key (instance_id, code_hash)
);
create index oauth_codes_expiring on konnectory.oauth_codes (expires_at);
