-- When triggers are due. A row for each trigger that time starts, and for each debounce that waits.
create table konnectory.trigger_schedule (
  instance_id   uuid        not null,
  trigger_id    text        not null,
  -- `slot`: the next run of the trigger itself. `debounce`: when what was asked for meanwhile is done, as one.
  kind          text        not null check (kind in ('slot', 'debounce')),
  -- Null: nothing is due; the row holds why the last slot was passed over.
  due           timestamptz,
  -- A process is at it until then; if it dies, another takes it.
  claimed_until timestamptz,
  -- Of a debounce: what was asked for, `{"payloads":[<base64>…],"manual":true}`.
  held          jsonb,
  -- The last slot that was passed over, and why.
  skipped_at    timestamptz,
  skip_reason   text,
  primary key (instance_id, trigger_id, kind)
);
-- All the scheduler reads: what is not due costs nothing.
create index trigger_schedule_due on konnectory.trigger_schedule (due) where due is not null;

-- Doctypes that `@event` triggers listen to; an instance without rows here pays nothing for events.
create table konnectory.trigger_events (
  instance_id uuid not null,
  trigger_id  text not null,
  doctype     text not null,
  -- In the trigger's own words.
  rules       text[] not null,
  primary key (instance_id, trigger_id, doctype)
);
