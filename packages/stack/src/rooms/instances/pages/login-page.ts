import type { Answer } from '#ground/http/answer'
import type { Instance } from '../instance.ts'
import { type Html, html } from './html.ts'
import { pageAnswer } from './template.ts'
import { type Words, wordsOf } from './words.ts'

interface Derivation {
  salt: string
  iterations: number
}

interface LoginPage extends Derivation {
  instance: Instance
  redirect: string
  csrf: { token: string; headers: Record<string, string> }
  error?: string | undefined
  status?: number
  headers?: Record<string, string>
}

const data = (
  words: Words,
  { salt, iterations }: Derivation,
) => html`data-salt="${salt}" data-iterations="${iterations}"
 data-too-short="${words.tooShort}" data-different="${words.different}" data-failed="${words.failed}"
 data-working="${words.working}" data-needs-secure="${words.needsSecure}"`

/** Where something is said to who fills the form in; read out at once by a screen reader. */
const note = (error: string | undefined): Html =>
  html`<p id="note" class="wrong" role="alert"${error === undefined ? html` hidden` : ''}>${error}</p>`

const showBox = (words: Words) =>
  html`<label class="check" hidden><input type="checkbox" id="show">${words.show}</label>`

/** The page to sign in. The button works once the script is there: a passphrase is never sent as it was typed. */
export function loginPage({
  instance,
  redirect,
  csrf,
  error,
  status = 200,
  headers,
  ...derivation
}: LoginPage): Answer {
  const { locale, domain } = instance
  const words = wordsOf(locale)
  const form = html`<form method="post" action="/auth/login" ${data(words, derivation)}>
<input type="hidden" name="csrf_token" value="${csrf.token}">
<input type="hidden" name="redirect" value="${redirect}">
<input type="text" name="username" value="${`me@${domain}`}" autocomplete="username" hidden>
<label for="passphrase">${words.passphrase}</label>
<input type="password" id="passphrase" name="passphrase" autocomplete="current-password" required autofocus aria-describedby="note">
${showBox(words)}
<label class="check"><input type="checkbox" name="long-run-session" value="true">${words.stayLong}</label>
<div class="actions"><button type="submit" disabled>${words.signIn}</button></div>
</form>
<p class="hint"><a href="/auth/passphrase_reset">${words.lost}</a></p>`
  return pageAnswer({
    title: instance.publicName ? words.signInTo(instance.publicName) : words.signIn,
    body: html`${note(error ?? (instance.passphraseDefined ? undefined : words.notDefined))}
<noscript><p class="wrong">${words.needsScript}</p></noscript>
${instance.passphraseDefined && form}`,
    locale,
    domain,
    scripts: instance.passphraseDefined ? ['passphrase.js'] : [],
    formTargets: [new URL(redirect).origin],
    status,
    headers: { ...csrf.headers, ...headers },
  })
}

interface OnboardingPage extends Derivation {
  instance: Instance
  registerToken: string
}

/** The page where the first passphrase is chosen. */
export function onboardingPage({ instance, registerToken, ...derivation }: OnboardingPage): Answer {
  const { locale, domain } = instance
  const words = wordsOf(locale)
  return pageAnswer({
    title: words.choosePassphrase,
    body: html`<p>${words.chooseExplain}</p>
${note(undefined)}
<noscript><p class="wrong">${words.needsScript}</p></noscript>
<form method="post" action="/settings/passphrase" ${data(words, derivation)}>
<input type="hidden" name="register_token" value="${registerToken}">
<input type="hidden" name="iterations" value="${derivation.iterations}">
<input type="text" name="username" value="${`me@${domain}`}" autocomplete="username" hidden>
<label for="passphrase">${words.passphrase}</label>
<input type="password" id="passphrase" name="passphrase" autocomplete="new-password" minlength="8" required autofocus aria-describedby="note">
<label for="again">${words.repeatPassphrase}</label>
<input type="password" id="again" autocomplete="new-password" required>
${showBox(words)}
<label for="hint">${words.hintLabel}</label>
<input type="text" id="hint" name="hint" autocomplete="off">
<div class="actions"><button type="submit" disabled>${words.save}</button></div>
</form>`,
    locale,
    domain,
    scripts: ['passphrase.js'],
    // Never in the address that the next site is told.
    headers: { 'referrer-policy': 'no-referrer' },
  })
}

/** Something that cannot be done, said to a person. */
export function sorryPage({ instance, title, text, status, headers = {} }: SorryPage): Answer {
  const { locale, domain } = instance
  return pageAnswer({ title, body: html`<p class="wrong">${text}</p>`, locale, domain, status, headers })
}

interface SorryPage {
  instance: Instance
  title: string
  text: string
  status: number
  headers?: Record<string, string>
}

/** What stands at the root of an instance as long as no app does: who is signed in, and how to leave. */
export function homePage({ instance, csrf }: Pick<LoginPage, 'instance' | 'csrf'>): Answer {
  const { locale, domain } = instance
  const words = wordsOf(locale)
  return pageAnswer({
    title: words.signedIn,
    body: html`<p>${words.signedInExplain}</p>
<p><strong>${instance.url}</strong></p>
<form method="post" action="/auth/logout">
<input type="hidden" name="csrf_token" value="${csrf.token}">
<div class="actions"><button type="submit" class="second">${words.signOut}</button></div>
</form>`,
    locale,
    domain,
    headers: csrf.headers,
  })
}
