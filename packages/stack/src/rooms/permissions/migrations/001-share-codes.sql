-- Which permission document a code of a share belongs to: short codes as they are, share tokens by their SHA-256 in hex. The
-- document says whether the code is still good; the row only finds it, and keeps a short code from being given twice.
create table konnectory.share_codes (
  instance_id   uuid not null,
  code          text not null,
  permission_id text not null,
  primary key (instance_id, code)
);
create index share_codes_document on konnectory.share_codes (instance_id, permission_id);
