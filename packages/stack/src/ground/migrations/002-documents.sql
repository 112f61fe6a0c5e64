-- Documents of all instances, one logical table, one partition for each doctype that many have (storage.md §7).
create table konnectory.docs (
  instance_id uuid    not null,
  doctype     text    not null,
  id          text    not null,
  -- The winning revision, `3-<hash>`; a deleted document keeps its row, as a tombstone.
  rev         text    not null,
  generation  integer not null,
  deleted     boolean not null,
  -- Position in the changes feed of (instance, doctype) of the last change.
  seq         bigint  not null,
  -- Hashes of the winning revision and its ancestors, newest first, at most 100.
  history     text[]  not null,
  -- Content without _id and _rev. NUL and lone surrogates are written as in unstorable-text.ts.
  doc         jsonb   not null,
  primary key (instance_id, doctype, id)
) partition by list (doctype);

-- The feed, by position. Its first column is another form of the instance's id on purpose: an index that begins as the primary
-- key does is as good to a planner that has not analysed the table yet, and a document would be looked for by reading the whole
-- feed (27 ms instead of 0.1 ms for 17 documents of 10,000). Queries of the feed name it the same way: documents/document-sql.ts.
create index docs_feed on konnectory.docs ((instance_id::text), doctype, seq);

create table konnectory.docs_default partition of konnectory.docs default;

do $$
declare name text;
begin
  foreach name in array array[
    'io.cozy.accounts', 'io.cozy.bank.accounts', 'io.cozy.bank.balancehistories', 'io.cozy.bank.operations', 'io.cozy.bills',
    'io.cozy.contacts', 'io.cozy.files', 'io.cozy.files.versions', 'io.cozy.identities', 'io.cozy.jobs', 'io.cozy.konnectors',
    'io.cozy.apps', 'io.cozy.oauth.clients', 'io.cozy.permissions', 'io.cozy.sessions', 'io.cozy.settings',
    'io.cozy.timeseries.geojson', 'io.cozy.triggers']
  loop
    execute format('create table konnectory.%I partition of konnectory.docs for values in (%L)',
      'docs_' || replace(replace(name, 'io.cozy.', ''), '.', '_'), name);
  end loop;
end $$;

-- Siblings under a directory are unique by name; `dir_id` is empty for the root only.
create unique index docs_files_name on konnectory.docs_files (instance_id, (doc ->> 'dir_id'), (doc ->> 'name'))
  where not deleted;
-- Directories by path: look up with `md5(doc ->> 'path') = md5($path) and doc ->> 'path' = $path`, for a path may be longer
-- than an index entry (2,704 bytes).
create unique index docs_files_path on konnectory.docs_files (instance_id, md5(doc ->> 'path'))
  where not deleted and doc ->> 'type' = 'directory';
-- Files and directories by what they refer to: `doc -> 'referenced_by' @> '[{"type":…,"id":…}]'`.
create index docs_files_references on konnectory.docs_files using gin ((doc -> 'referenced_by') jsonb_path_ops)
  where not deleted;

-- The changes feed and the counts of a doctype of an instance; there is a row when the "database" exists.
create table konnectory.feeds (
  instance_id uuid   not null,
  doctype     text   not null,
  seq         bigint not null default 0,
  documents   bigint not null default 0,
  tombstones  bigint not null default 0,
  -- Another one after the database was dropped and made again: sequences of the old one start over.
  epoch       text   not null default substr(md5(random()::text), 1, 8),
  primary key (instance_id, doctype)
);

-- Leaves of the revision tree that did not win: conflicts that replication brought.
create table konnectory.leaves (
  instance_id uuid    not null,
  doctype     text    not null,
  id          text    not null,
  rev         text    not null,
  generation  integer not null,
  deleted     boolean not null,
  history     text[]  not null,
  doc         jsonb   not null,
  primary key (instance_id, doctype, id, rev)
);

-- Replication checkpoints, `_local/…`: in no list and in no feed.
create table konnectory.local_docs (
  instance_id uuid    not null,
  doctype     text    not null,
  id          text    not null,
  version     integer not null,
  doc         jsonb   not null,
  primary key (instance_id, doctype, id)
);
