-- News that are no change of a document and too large for a notification, for the other processes on this database. They are
-- there for a minute; what a crash takes is told as lost.
create unlogged table konnectory.news (
  instance_id uuid        not null,
  id          uuid        not null,
  event       text        not null,
  stored_at   timestamptz not null default now(),
  primary key (instance_id, id)
);
