-- Mango (protocol/data.md §5): what clients define, and the indexes that serve it.

-- A JSON value as CouchDB orders it: null, booleans, numbers, strings, arrays, objects, where jsonb itself has strings before
-- numbers before booleans (storage.md §7). A pair [rank, value], for jsonb compares arrays of two member by member. Never
-- larger than an index can hold: of a text the first `cap` characters and one more (so that a text of at most `cap` is told
-- from a cut one); an array or object that is long only by the beginning of its text, which is a string and so equals no
-- array. What it returns is in indexes on disk: another rule needs another name, and all of them rebuilt.
create function konnectory.mango_key(value jsonb, cap integer) returns jsonb
  language plpgsql immutable strict parallel safe cost 5 as $$
begin
  case jsonb_typeof(value)
    when 'string' then return jsonb_build_array(4, left(value #>> '{}', cap + 1));
    when 'number' then return jsonb_build_array(3, value);
    when 'boolean' then return jsonb_build_array(1, value);
    when 'null' then return '[0, null]';
    else
      return jsonb_build_array(
        case when jsonb_typeof(value) = 'array' then 5 else 6 end,
        case when octet_length(value::text) <= cap / 2 then value else to_jsonb(left(value::text, cap)) end);
  end case;
end $$;

-- Order of two values whole, arrays member by member: -1, 0, 1. For range operators with an array or object as argument, where
-- jsonb would ask for the number of members first.
create function konnectory.mango_compare(a jsonb, b jsonb) returns integer
  language plpgsql immutable strict parallel safe as $$
declare
  ranks constant text[] := array['null', 'boolean', 'number', 'string', 'array', 'object'];
  kind text := jsonb_typeof(a);
  step integer := sign(array_position(ranks, kind) - array_position(ranks, jsonb_typeof(b)));
  as_list jsonb;
  bs_list jsonb;
begin
  if step <> 0 then return step; end if;
  if kind not in ('array', 'object') then
    return case when a = b then 0 when a < b then -1 else 1 end;
  end if;
  if kind = 'array' then
    as_list := a;
    bs_list := b;
  else
    -- jsonb has lost the order in which the members were written: they are taken by name.
    select coalesce(jsonb_agg(part order by key, place), '[]') into as_list
      from jsonb_each(a), lateral (values (1, to_jsonb(key)), (2, value)) as parts(place, part);
    select coalesce(jsonb_agg(part order by key, place), '[]') into bs_list
      from jsonb_each(b), lateral (values (1, to_jsonb(key)), (2, value)) as parts(place, part);
  end if;
  for i in 0 .. least(jsonb_array_length(as_list), jsonb_array_length(bs_list)) - 1 loop
    step := konnectory.mango_compare(as_list -> i, bs_list -> i);
    if step <> 0 then return step; end if;
  end loop;
  return sign(jsonb_array_length(as_list) - jsonb_array_length(bs_list));
end $$;

-- Design documents: definitions as clients made them, per instance and doctype.
create table konnectory.mango_design_docs (
  instance_id uuid    not null,
  doctype     text    not null,
  -- Without `_design/`.
  id          text    not null,
  -- Of the feed: when the database was dropped and made again, what belongs to the old one counts no more.
  epoch       text    not null,
  generation  integer not null,
  rev         text    not null,
  -- The server's own: clients cannot delete them.
  own         boolean not null default false,
  -- [{name, fields: [{name, direction}], partialFilter, given}], as json, for the order of members is part of it.
  indexes     json    not null,
  -- Names in mango_indexes.
  uses        text[]  not null,
  primary key (instance_id, doctype, id)
);

-- Indexes in the database. One serves all instances that define the same fields of the same doctype, hence no instance_id.
create table konnectory.mango_indexes (
  -- Its name in the database too; a hash of doctype and fields.
  name         text        primary key,
  doctype      text        not null,
  fields       json        not null,
  -- waiting: there are too many; wanted: to be built.
  state        text        not null check (state in ('waiting', 'wanted', 'ready', 'failed')),
  reason       text,
  requested_at timestamptz not null default now(),
  ready_at     timestamptz
);

create index mango_indexes_doctype on konnectory.mango_indexes (doctype);
