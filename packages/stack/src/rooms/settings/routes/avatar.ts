import { z } from 'zod'
import { bytes, noContent } from '#ground/http/answer'
import { HttpError, notFound } from '#ground/http/errors'
import { readBytes } from '#ground/http/read-body'
import { type Route, route } from '#ground/http/route'
import { escapeHtml, type Instance, SETTINGS } from '#rooms/instances'
import { type Avatars, LARGEST_AVATAR, pictureType } from '../avatars.ts'

/** The person's picture (`protocol/settings.md` §7). */
export const avatarRoutes = (avatars: Avatars): Route[] => [
  route({
    method: 'PUT',
    path: '/settings/avatar',
    summary: 'Another picture of the person',
    family: 'json-api',
    permission: { whole: 'PUT', of: SETTINGS },
    evenWhenBlocked: true,
    body: { stream: true },
    async handle({ tenant, stream, headers }) {
      const content = await readBytes(stream, LARGEST_AVATAR, headers['content-length'])
      const mime = pictureType(content)
      if (!mime) throw new HttpError(415, 'A picture is a PNG, JPEG, GIF or WebP')
      await avatars.put(tenant, mime, content)
      return noContent()
    },
  }),
  route({
    method: 'DELETE',
    path: '/settings/avatar',
    summary: 'No picture of the person any more',
    family: 'json-api',
    permission: { whole: 'PUT', of: SETTINGS },
    evenWhenBlocked: true,
    async handle({ tenant }) {
      await avatars.remove(tenant)
      return noContent()
    },
  }),
  route({
    method: 'GET',
    path: '/public/avatar',
    summary: 'The person’s picture, else an initial (404 with `fallback=404`)',
    family: 'page',
    permission: { public: 'what a person shows to those they share with' },
    evenWhenBlocked: true,
    query: z.object({ fallback: z.string().optional() }),
    async handle({ tenant, query }) {
      const avatar = await avatars.get(tenant)
      if (!avatar && query.fallback === '404') throw notFound()
      const { mime, content } = avatar ?? { mime: 'image/svg+xml', content: initialOf(tenant as Instance) }
      return bytes(content, {
        'content-type': mime,
        'content-length': String(content.length),
        'cache-control': 'max-age=300',
        ...(avatar && { 'last-modified': avatar.updatedAt.toUTCString() }),
      })
    },
  }),
]

function initialOf({ publicName, domain }: Instance): Buffer {
  const [initial = '?'] = (publicName.trim() || domain).toLocaleUpperCase('en')
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><circle cx="32" cy="32" r="32" fill="#1450b4"/><text x="32" y="43" font-family="sans-serif" font-size="32" text-anchor="middle" fill="#fff">${escapeHtml(initial)}</text></svg>`,
  )
}
