-- What an installed konnector has besides its document.
create table konnectory.konnector_installations (
  instance_id uuid not null,
  slug        text not null,
  -- SHA-256 of the code, which is the name of its folder; many instances name one.
  bundle      text not null,
  -- What the source said of itself when it was taken: a commit, a checksum. Equal: there is nothing new.
  mark        text not null,
  -- As its author wrote it: a document of the database forgets the order of keys, in which fields and permissions are shown.
  manifest    text not null,
  primary key (instance_id, slug)
);
create index konnector_installations_bundle on konnectory.konnector_installations (bundle);

-- Installing, updating or uninstalling under way: one at a time per konnector and instance.
create table konnectory.konnector_operations (
  instance_id uuid        not null,
  slug        text        not null,
  -- Whoever came after a crash has another one: the one before can no longer write.
  holder      uuid        not null,
  -- Renewed while the work goes on.
  beat_at     timestamptz not null,
  primary key (instance_id, slug)
);
