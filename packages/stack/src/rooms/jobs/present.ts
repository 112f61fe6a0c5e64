import type { StoredDocument } from '#ground/documents/contract'
import type { Answer } from '#ground/http/answer'
import { JSON_API_TYPE, jsonText } from '#ground/http/answer'
import { JOBS, jobRecord } from './job.ts'

/** A job as JSON:API; `_id` and `_rev` stay in the attributes (`protocol/jobs.md` §1). */
export function presentJob(job: StoredDocument): object {
  const { id, rev, body } = job
  return {
    type: JOBS,
    id,
    attributes: { _id: id, _rev: rev, ...body },
    meta: { rev },
    // Of no route, but what clients get from upstream.
    links: { self: `/jobs/${jobRecord(job).worker}/${id}` },
  }
}

export const jobAnswer = (job: StoredDocument, status = 200): Answer =>
  jsonText(JSON.stringify({ data: presentJob(job) }), status, JSON_API_TYPE)

export const jobsAnswer = (jobs: StoredDocument[]): Answer =>
  jsonText(JSON.stringify({ data: jobs.map(presentJob), meta: { count: jobs.length } }), 200, JSON_API_TYPE)
