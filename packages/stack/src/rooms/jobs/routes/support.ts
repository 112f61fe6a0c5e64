import { z } from 'zod'
import { noContent } from '#ground/http/answer'
import { HttpError } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { JOBS } from '../job.ts'
import { asRequestError, type NewJob } from '../push.ts'

export interface SupportService {
  push(tenant: Tenant, job: NewJob): Promise<unknown>
  has(worker: string): boolean
}

const MAIL = 'sendmail'
const SUPPORT = 'io.cozy.support'
const text = z.string().max(1_000_000)
const mailBody = z.looseObject({
  data: z.looseObject({ attributes: z.looseObject({ subject: text.nullish(), body: text.nullish() }) }),
})
const campaignBody = z.looseObject({
  data: z.looseObject({ attributes: z.looseObject({ arguments: z.looseObject({}).nullish() }) }),
})

/** Mails that apps ask the server to send (`protocol/jobs.md` §2). */
export function supportRoutes(jobs: SupportService): Route[] {
  const send = async (tenant: Tenant, message: object) => {
    if (!jobs.has(MAIL)) throw new HttpError(503, 'This server sends no mail')
    await jobs.push(tenant, { worker: MAIL, message }).catch(error => {
      throw asRequestError(error)
    })
    return noContent()
  }
  return [
    route({
      method: 'POST',
      path: '/jobs/support',
      summary: 'Sends a mail to who runs this server',
      family: 'json-api',
      permission: { inside: 'POST on io.cozy.support, or jobs of sendmail' },
      body: { json: mailBody },
      async handle({ tenant, body, allow }) {
        const grant = allow.maybe()
        allow.check(
          grant.allowsWholeType('POST', SUPPORT) || grant.allowsOnFields('POST', JOBS, { worker: MAIL }, ['worker']),
        )
        const { subject, body: content } = body.data.attributes
        return await send(tenant, { mode: 'support', subject: subject ?? '', body: content ?? '' })
      },
    }),
    route({
      method: 'POST',
      path: '/jobs/campaign-emails',
      summary: 'Sends a mail of a campaign to the person of this instance',
      family: 'json-api',
      permission: { inside: 'POST on jobs of sendmail' },
      body: { json: campaignBody },
      async handle({ tenant, body, allow }) {
        allow.onFields('POST', JOBS, { worker: MAIL }, ['worker'])
        return await send(tenant, { ...body.data.attributes.arguments, mode: 'campaign' })
      },
    }),
  ]
}
