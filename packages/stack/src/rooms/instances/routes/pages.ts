import { z } from 'zod'
import { bytes, redirect } from '#ground/http/answer'
import { notFound } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { Instance } from '../instance.ts'
import { assetOf } from '../pages/assets.ts'
import { homePage, onboardingPage, sorryPage } from '../pages/login-page.ts'
import { wordsOf } from '../pages/words.ts'
import { csrfFor } from './csrf.ts'
import type { LoginDeps } from './login.ts'

/** The first passphrase, what mail would be needed for, the root of an instance, and what the pages are made of. */
export function pageRoutes({ passphrase, redirects }: LoginDeps): Route[] {
  const needsMail = (method: 'GET' | 'POST', path: string, title: 'lostTitle' | 'error' = 'lostTitle'): Route =>
    route({
      method,
      path,
      summary: 'Not available: this server sends no mail yet',
      family: 'page',
      permission: { public: 'it only says that it is not there' },
      evenWhenBlocked: true,
      handle({ tenant }) {
        const instance = tenant as Instance
        const words = wordsOf(instance.locale)
        return sorryPage({ instance, title: words[title], text: words.noMail, status: 501 })
      },
    })

  return [
    route({
      method: 'GET',
      path: '/auth/passphrase',
      summary: 'The page to choose the first passphrase',
      family: 'page',
      permission: { public: 'the register token in the address is what is checked' },
      evenWhenBlocked: true,
      query: z.object({ registerToken: z.string().max(200).optional() }),
      async handle({ tenant, query }) {
        const instance = tenant as Instance
        const registerToken = query.registerToken ?? ''
        if (!(await passphrase.isRegisterToken(instance, registerToken))) {
          const words = wordsOf(instance.locale)
          return sorryPage({ instance, title: words.error, text: words.badRegisterToken, status: 400 })
        }
        const derivation = await passphrase.params(instance)
        return onboardingPage({ instance, registerToken, ...derivation })
      },
    }),
    needsMail('GET', '/auth/passphrase_reset'),
    needsMail('POST', '/auth/passphrase_reset'),
    needsMail('GET', '/auth/passphrase_renew'),
    needsMail('POST', '/auth/passphrase_renew'),
    needsMail('GET', '/auth/twofactor', 'error'),
    needsMail('POST', '/auth/twofactor', 'error'),
    route({
      method: 'GET',
      path: '/',
      summary:
        'Who comes to the instance with a browser: to the home app, to the page to sign in, or told that all is well',
      family: 'page',
      permission: { public: 'it shows nothing but the address' },
      evenWhenBlocked: true,
      async handle({ tenant, headers, session }) {
        const instance = tenant as Instance
        if (!(await session())) return redirect('/auth/login')
        const home = await redirects.home(instance)
        if (home !== instance.url) return redirect(home)
        // The cookie of the form must reach `/auth`, where its form goes.
        return homePage({ instance, csrf: csrfFor(headers, instance) })
      },
    }),
    route({
      method: 'GET',
      path: '/.well-known/change-password',
      summary: 'Where a password manager changes the passphrase: in the settings app',
      family: 'page',
      permission: { public: 'the same for everybody' },
      evenWhenBlocked: true,
      handle: ({ tenant }) => redirect(`${redirects.appUrl(tenant as Instance, 'settings')}#/profile/password`, 302),
    }),
    route({
      method: 'GET',
      path: '/assets/auth/:name',
      summary: 'Style and script of the pages',
      family: 'page',
      permission: { public: 'the same for everybody' },
      evenWhenBlocked: true,
      params: z.object({ name: z.string() }),
      handle({ params }) {
        const asset = assetOf(params.name)
        if (!asset) throw notFound()
        return bytes(asset.content, {
          'content-type': asset.type,
          'content-length': String(asset.content.length),
          'cache-control': 'public, max-age=31536000, immutable',
        })
      },
    }),
  ]
}
