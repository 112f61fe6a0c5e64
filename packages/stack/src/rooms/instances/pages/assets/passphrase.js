// Turns the password into what is sent, so that it never leaves the browser (protocol/auth.md, section 2). No build, no library.
const form = document.querySelector('form[data-salt]')
const note = document.querySelector('#note')
const words = form.dataset
const utf8 = new TextEncoder()

async function pbkdf2(key, salt, iterations) {
  const imported = await crypto.subtle.importKey('raw', key, 'PBKDF2', false, ['deriveBits'])
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, imported, 256),
  )
}

async function hashed(passphrase) {
  const iterations = Number(words.iterations)
  // Never hashed before: the server asks for it once as it is, and for the key from then on.
  if (iterations === 0) return passphrase
  const masterKey = await pbkdf2(utf8.encode(passphrase), utf8.encode(words.salt), iterations)
  const key = await pbkdf2(masterKey, utf8.encode(passphrase), 1)
  return btoa(String.fromCharCode(...key))
}

function say(text) {
  note.textContent = text
  note.hidden = false
}

const typed = form.querySelector('#passphrase')
const again = form.querySelector('#again')
const button = form.querySelector('button')
const show = form.querySelector('#show')

show.closest('label').hidden = false
show.addEventListener('change', () => {
  for (const input of [typed, again]) if (input) input.type = show.checked ? 'text' : 'password'
})

form.addEventListener('submit', async event => {
  event.preventDefault()
  if (again && [...typed.value].length < 8) return say(words.tooShort)
  if (again && typed.value !== again.value) return say(words.different)
  const label = button.textContent
  button.disabled = true
  button.textContent = words.working
  try {
    const sent = new URLSearchParams(new FormData(form))
    sent.set('passphrase', await hashed(typed.value))
    const answer = await fetch(form.action, {
      method: 'POST',
      body: sent,
      headers: { accept: 'application/json' },
      credentials: 'same-origin',
    })
    const said = await answer.json().catch(() => ({}))
    if (answer.ok) return location.assign(said.redirect ?? '/')
    say(said.error ?? said.errors?.[0]?.detail ?? `${words.failed} ${answer.status}`)
  } catch (error) {
    say(`${words.failed} ${error.message}`)
  }
  button.disabled = false
  button.textContent = label
  typed.focus()
})

if (globalThis.crypto?.subtle || words.iterations === '0') button.disabled = false
else say(words.needsSecure)
