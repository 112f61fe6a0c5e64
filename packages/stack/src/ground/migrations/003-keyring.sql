-- Keys of the keyring. Master keys themselves are never here: only what tells a right one from a wrong one.
create table konnectory.master_keys (
  -- Derived from the key, so that a key is known by itself.
  id         text        primary key,
  -- A known text sealed by it.
  key_check  text        not null,
  created_at timestamptz not null
);

-- The data keys of instances, each wrapped by a master key. Those of the server itself have the nil UUID.
create table konnectory.tenant_keys (
  instance_id uuid        not null,
  id          text        not null,
  master_key  text        not null references konnectory.master_keys (id),
  wrapped     text        not null,
  created_at  timestamptz not null,
  -- Absent: the one that seals. Retired ones go on opening what they sealed.
  retired_at  timestamptz,
  primary key (instance_id, id)
);

create unique index tenant_keys_sealing on konnectory.tenant_keys (instance_id) where retired_at is null;
create index tenant_keys_by_master on konnectory.tenant_keys (master_key);
