-- Jobs of a trigger, newest last: its state and its list.
create index docs_jobs_trigger on konnectory.docs_jobs (instance_id, (doc ->> 'trigger_id'), (doc ->> 'queued_at'), id)
  where not deleted and doc ? 'trigger_id';
-- Jobs that have not ended: few, whatever the number of those that have.
create index docs_jobs_open on konnectory.docs_jobs (instance_id, (doc ->> 'worker'), (doc ->> 'queued_at'))
  where not deleted and doc ->> 'state' in ('queued', 'running');
-- What is old, for the purge.
create index docs_jobs_ended on konnectory.docs_jobs
  (instance_id, (doc ->> 'worker'), (doc ->> 'state'), (doc ->> 'queued_at'))
  where not deleted;
