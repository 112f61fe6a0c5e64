import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAllow } from '../../src/ground/http/allow.ts'
import type { Actor, ActorKind } from '../../src/ground/http/grant.ts'
import type { Tenant } from '../../src/ground/tenant.ts'
import { createMayInstall } from '../../src/rooms/konnectors/may-install.ts'
import { grantOf, MAXIMAL, parseScope } from '../../src/rooms/permissions/index.ts'

const REGISTRY = 'registry://acme/stable'
const GIT = 'git://github.com/org/acme.git#build'
const tenant = { id: '1', domain: 'a.localhost', url: 'http://a.localhost/', locale: 'en' } as Tenant
const OPEN = { allow_install_via_a_permission: true }

/** kind, slug or client, scope, what is asked, the context's word → allowed */
const TABLE: [ActorKind, string, string, 'POST' | 'DELETE', string | undefined, object | undefined, boolean][] = [
  ['oauth', 'flagship', '*', 'POST', GIT, undefined, true],
  ['oauth', 'flagship', '*', 'POST', undefined, undefined, true],
  ['oauth', 'flagship', '*', 'DELETE', undefined, undefined, true],
  ['oauth', 'flagship', '*', 'POST', 'file:///srv', undefined, false],
  ['oauth', 'flagship', '*', 'POST', 'git+ssh://git@h.example/r', undefined, false],
  ['oauth', 'flagship', '*', 'POST', 'git+file:///srv/r', undefined, false],
  ['cli', 'CLI', 'io.cozy.konnectors', 'POST', 'file:///srv', undefined, true],
  ['cli', 'CLI', 'io.cozy.konnectors:POST', 'POST', GIT, undefined, true],
  ['cli', 'CLI', 'io.cozy.konnectors:POST', 'DELETE', undefined, undefined, false],
  ['cli', 'CLI', 'io.cozy.konnectors:GET', 'POST', REGISTRY, undefined, false],
  ['cli', 'CLI', 'io.cozy.apps', 'POST', REGISTRY, undefined, false],
  ['cli', 'CLI', 'io.cozy.konnectors:POST:io.cozy.konnectors/acme', 'POST', REGISTRY, undefined, false],
  ['app', 'store', 'io.cozy.konnectors', 'POST', REGISTRY, undefined, true],
  ['app', 'collect', 'io.cozy.konnectors', 'POST', REGISTRY, undefined, true],
  ['app', 'store', 'io.cozy.konnectors', 'POST', GIT, undefined, false],
  ['app', 'store', 'io.cozy.konnectors', 'POST', undefined, undefined, false],
  ['app', 'store', 'io.cozy.konnectors', 'DELETE', undefined, undefined, true],
  ['app', 'store', 'io.cozy.konnectors:GET', 'POST', REGISTRY, undefined, false],
  ['app', 'home', 'io.cozy.konnectors', 'POST', REGISTRY, undefined, false],
  ['app', 'home', 'io.cozy.konnectors', 'DELETE', undefined, undefined, false],
  ['app', 'home', 'io.cozy.konnectors', 'POST', REGISTRY, OPEN, true],
  ['app', 'home', 'io.cozy.konnectors', 'POST', GIT, OPEN, false],
  ['oauth', 'store', 'io.cozy.konnectors', 'POST', REGISTRY, undefined, false],
  ['oauth', 'phone', 'io.cozy.konnectors', 'POST', REGISTRY, OPEN, true],
  ['oauth', 'phone', 'io.cozy.konnectors', 'POST', undefined, OPEN, false],
  ['oauth', 'phone', 'io.cozy.konnectors', 'POST', 'file:///srv', OPEN, false],
  ['konnector', 'store', 'io.cozy.konnectors', 'POST', REGISTRY, OPEN, false],
  ['share', 'store', 'io.cozy.konnectors', 'POST', REGISTRY, OPEN, false],
  ['register', 'store', 'io.cozy.konnectors', 'DELETE', undefined, OPEN, false],
]
for (const [kind, subject, scope, verb, source, context, allowed] of TABLE) {
  test(`${allowed ? 'may' : 'may not'}: ${kind} ${subject} (${scope}) ${verb} ${source ?? 'no source'}${context ? ', open context' : ''}`, async () => {
    const mayInstall = createMayInstall({
      installers: ['store', 'collect'],
      contextOf: async () => context as Record<string, unknown> | undefined,
    })
    const actor: Actor = { kind, subject, grant: grantOf(scope === '*' ? MAXIMAL : parseScope(scope)) }
    const { allow, asked } = createAllow(() => actor)
    const answer = mayInstall({ actor, allow, tenant }, verb, source)
    if (allowed) await answer
    else await assert.rejects(answer, { status: 403 })
    assert.ok(asked())
  })
}
