-- What the operator says of konnectors that are being repaired: for all instances of this server.
create table konnectory.konnector_maintenance (
  slug       text        primary key,
  -- As clients read them: flags, and messages by language.
  options    jsonb       not null,
  updated_at timestamptz not null
);
