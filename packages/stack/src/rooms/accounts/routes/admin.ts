import { json, noContent } from '#ground/http/answer'
import { badRequest, notThere } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import { type GivenType, givenTypeSchema, TYPE_ID } from '../types/account-type.ts'
import type { AccountTypes } from '../types/service.ts'

const OPERATOR = { public: 'only on the administration listener, which asks for its password' }

/** Account types, on the administration listener. Their secrets go in and never come out. */
export function accountTypeRoutes(types: AccountTypes): Route[] {
  return [
    route({
      method: 'GET',
      path: '/account_types',
      summary: 'Lists the account types, without their secrets',
      family: 'json-api',
      permission: OPERATOR,
      handle: async () => json(await types.list()),
    }),
    route<{ id: string }>({
      method: 'GET',
      path: '/account_types/:id',
      summary: 'One account type, without its secrets',
      family: 'json-api',
      permission: OPERATOR,
      async handle({ params: { id } }) {
        const found = TYPE_ID.test(id) ? await types.find(id) : undefined
        if (!found) throw notThere('There is no such account type')
        return json(found)
      },
    }),
    route<{ id: string }, Record<string, string>, GivenType>({
      method: 'PUT',
      path: '/account_types/:id',
      summary: 'Makes or replaces an account type; a secret that is left out is kept',
      family: 'json-api',
      permission: OPERATOR,
      body: { json: givenTypeSchema },
      async handle({ params: { id }, body }) {
        if (!TYPE_ID.test(id)) throw badRequest('The id of an account type is `name` or `context/name`')
        const created = await types.put(id, body)
        return json((await types.find(id)) ?? {}, created ? 201 : 200)
      },
    }),
    route<{ id: string }>({
      method: 'DELETE',
      path: '/account_types/:id',
      summary: 'Removes an account type; accounts made with it stay, and cannot be refreshed',
      family: 'json-api',
      permission: OPERATOR,
      async handle({ params: { id } }) {
        if (!TYPE_ID.test(id) || !(await types.remove(id))) throw notThere('There is no such account type')
        return noContent()
      },
    }),
  ]
}
