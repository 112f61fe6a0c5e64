import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonApiError } from '../../src/ground/http/errors.ts'
import { parseSource } from '../../src/rooms/konnectors/source/parse.ts'

const sha = 'ab'.repeat(32)
const READ: [string, object][] = [
  ['registry://acme', { kind: 'registry', slug: 'acme', channel: 'stable', version: undefined }],
  ['registry://acme/beta', { kind: 'registry', slug: 'acme', channel: 'beta', version: undefined }],
  ['registry://acme/beta/latest', { kind: 'registry', slug: 'acme', channel: 'beta', version: undefined }],
  ['registry://acme/1.2.3', { kind: 'registry', slug: 'acme', channel: 'stable', version: '1.2.3' }],
  ['registry://acme/dev/1.2.3-dev.ab', { kind: 'registry', slug: 'acme', channel: 'dev', version: '1.2.3-dev.ab' }],
  ['registry://acme/custom', { kind: 'registry', slug: 'acme', channel: 'custom', version: undefined }],
  [
    'git://github.com/org/repo.git#build',
    {
      kind: 'git',
      transport: 'https',
      url: 'https://github.com/org/repo.git',
      host: 'github.com',
      port: 443,
      branch: 'build',
    },
  ],
  [
    'git+https://h.example:8443/r?x=1',
    {
      kind: 'git',
      transport: 'https',
      url: 'https://h.example:8443/r?x=1',
      host: 'h.example',
      port: 8443,
      branch: undefined,
    },
  ],
  [
    'git+ssh://git@h.example:2222/r.git#feat/a',
    {
      kind: 'git',
      transport: 'ssh',
      url: 'ssh://git@h.example:2222/r.git',
      host: 'h.example',
      port: 2222,
      branch: 'feat/a',
    },
  ],
  [
    'ssh+git://h.example/r',
    { kind: 'git', transport: 'ssh', url: 'ssh://h.example/r', host: 'h.example', port: 22, branch: undefined },
  ],
  [
    'git+file:///srv/r.git#build',
    { kind: 'git', transport: 'file', url: '/srv/r.git', host: '', port: 0, branch: 'build' },
  ],
  [`https://h.example/a.tgz#${sha.toUpperCase()}`, { kind: 'archive', url: 'https://h.example/a.tgz', sha256: sha }],
  ['file:///srv/build', { kind: 'file', directory: '/srv/build' }],
]
for (const [text, expected] of READ)
  test(`read: ${text}`, () => {
    assert.deepEqual(parseSource(text), { text, ...expected })
  })

const REFUSED = [
  ...[
    '',
    'acme',
    'ext::sh -c id',
    'ext://sh',
    'javascript:alert(1)',
    'ftp://h.example/a',
    'data://x',
    'git:/x',
    'https:/x y',
  ],
  ...[
    'registry://',
    'registry://A',
    'registry://acme/a/b/c',
    'registry://acme/../x',
    'registry://../acme',
    'registry://acme/st?x',
  ],
  ...[
    'git://--upload-pack=touch%20x/r.git',
    'git+ssh://-oProxyCommand=id/r',
    'git+ssh://-oProxyCommand=id@h.example/r',
  ],
  ...[
    'git+https://user:secret@h.example/r',
    'git+https://token@h.example/r',
    'https://u:p@h.example/a.tgz',
    'git+ssh://g:p@h.example/r',
  ],
  ...[
    'git+https://h.example/r#--upload-pack=id',
    'git+https://h.example/r#-b',
    'git+https://h.example/r#a..b',
    'git+https://h.example/r#a b',
  ],
  ...[
    'git+https://h.example/r#a%00b',
    'git+https://h.example/r#%ff',
    'git+https://h.example/r#x.lock',
    'git+https://h.example/r#refs:x',
  ],
  ...[
    'git+https://h.example',
    'git+https://h.example/',
    'git+https://h$(id).example/r',
    'git+https:///r',
    'https://h.example/a.tgz#abc',
  ],
  ...[
    'file://elsewhere/srv',
    'file:///a%00b',
    'git+file://elsewhere/srv',
    `https://h.example/${'a'.repeat(3000)}`,
    'https://h.example/a\nb',
  ],
]
for (const text of REFUSED)
  test(`refused: ${JSON.stringify(text.slice(0, 60))}`, () => {
    assert.throws(
      () => parseSource(text),
      error => error instanceof JsonApiError && error.status === 422 && error.source.parameter === 'Source',
    )
  })
