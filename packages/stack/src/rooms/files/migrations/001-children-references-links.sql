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

-- How many files and directories lie in a directory, written in the transaction of their documents: counting a hundred thousand
-- rows takes a tenth of a second, and every page of a directory says how many there are. The trash is not counted.
create table konnectory.file_counts (
  instance_id  uuid   not null,
  directory_id text   not null,
  children     bigint not null,
  primary key (instance_id, directory_id)
);

-- A page of a directory, by docs_files_children and by nothing else. The planner goes by the average directory and would fetch
-- and sort the whole of a large one (0.5 s instead of 1 ms for 100,000 files); a function may say otherwise for itself.
create function konnectory.file_children(
  instance uuid, directory text, after_type text, after_name text, most bigint, skipped bigint
) returns setof konnectory.docs language plpgsql stable
  set enable_sort = off set enable_bitmapscan = off set enable_seqscan = off
as $$
begin
  return query
    select * from konnectory.docs
     where instance_id = instance and doctype = 'io.cozy.files' and not deleted
       and doc ->> 'dir_id' = directory and (doc ->> 'type', doc ->> 'name') > (after_type, after_name)
       and id <> 'io.cozy.files.trash-dir'
     order by doc ->> 'type', doc ->> 'name'
     limit most offset skipped;
end
$$;
