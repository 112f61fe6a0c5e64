-- Lines of the log of a run, masked. The run's record is a document (io.cozy.konnectors.runs).
create table konnectory.run_lines (
  instance_id uuid        not null,
  job_id      text        not null,
  -- Counts from 1 over all attempts of the job.
  number      integer     not null,
  at          timestamptz not null,
  level       text        not null,
  label       text,
  message     text        not null,
  primary key (instance_id, job_id, number)
);
create index run_lines_at on konnectory.run_lines (at);
