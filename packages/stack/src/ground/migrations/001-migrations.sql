-- What has been applied, so that each file is applied once and a changed one is noticed.
create schema if not exists konnectory;

create table konnectory.migrations (
  room       text        not null,
  number     integer     not null check (number > 0),
  name       text        not null,
  checksum   text        not null,
  applied_at timestamptz not null default now(),
  primary key (room, number)
);
