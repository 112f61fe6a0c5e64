-- Bytes that count in the quota, kept in the transaction of the documents they belong to.
create table konnectory.files_usage (
  instance_id uuid   not null primary key,
  files       bigint not null default 0,
  versions    bigint not null default 0
);

-- Metadata sent ahead of an upload, for ten minutes.
create table konnectory.files_metadata_shelf (
  instance_id uuid        not null,
  id          text        not null,
  metadata    jsonb       not null,
  expires_at  timestamptz not null,
  primary key (instance_id, id)
);
create index files_metadata_shelf_expiry on konnectory.files_metadata_shelf (expires_at);

-- Who names a blob: a copy and a version share the content of their file.
create index docs_files_blob on konnectory.docs_files (instance_id, (doc ->> 'internal_blob'))
  where not deleted and doc ->> 'type' = 'file';
create index docs_files_versions_blob on konnectory."docs_files_versions" (instance_id, (doc ->> 'internal_blob'))
  where not deleted;
create index docs_files_versions_file on konnectory."docs_files_versions" (instance_id, (doc ->> 'file_id'))
  where not deleted;
