-- A page of a directory: directories first ('directory' < 'file'), then by name.
create index docs_files_children on konnectory.docs_files
  (instance_id, (doc ->> 'dir_id'), (doc ->> 'type'), (doc ->> 'name')) where not deleted;

-- What files and directories refer to, written in the transaction of their documents. The same konnector is referred to in
-- every instance: the GIN index over `referenced_by`, which knows no instance, would go through all of them.
create table konnectory.file_references (
  instance_id uuid not null,
  relation    text not null check (relation in ('referenced_by', 'not_synchronized_on')),
  -- Of the document referred to.
  type        text not null,
  target      text not null,
  file_id     text not null,
  -- metadata.datetime, else the creation, in UTC: what `sort=datetime` goes by.
  moment      text not null,
  primary key (instance_id, relation, type, target, file_id)
);
create index file_references_moment
  on konnectory.file_references (instance_id, relation, type, target, moment, file_id);

-- Secrets that open a download without a token, for ten minutes. Only their digest is here.
create table konnectory.file_links (
  instance_id uuid        not null,
  digest      bytea       not null,
  target      jsonb       not null,
  expires_at  timestamptz not null,
  primary key (instance_id, digest)
);
create index file_links_expiry on konnectory.file_links (instance_id, expires_at);
