-- Runs of konnectors whose tokens are good. A run that ends has no row: its token dies with it.
create table konnectory.konnector_runs (
  instance_id uuid        not null,
  run         text        not null,
  slug        text        not null,
  -- The only account whose secrets the run's token opens; null when it is for none.
  account_id  text,
  -- No token of it lives longer; rows of runs whose server was killed are swept after it.
  expires_at  timestamptz not null,
  primary key (instance_id, run)
);
create index konnector_runs_expires_at on konnectory.konnector_runs (expires_at);
