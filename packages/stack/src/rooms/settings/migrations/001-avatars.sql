-- The picture of a person: one, small. In the database, and not among the contents of files, since no file names it.
create table konnectory.avatars (
  instance_id uuid        not null primary key,
  mime        text        not null,
  content     bytea       not null,
  updated_at  timestamptz not null
);
