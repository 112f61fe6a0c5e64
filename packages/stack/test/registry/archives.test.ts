import assert from 'node:assert/strict'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  type ArchiveLimits,
  ArchiveRefused,
  LIMITS,
  packTar,
  readFolder,
  safePath,
  unpack,
} from '../../src/rooms/registry/archive/index.ts'
import { type TarEntry, tarOf, tgzOf } from '../konnectors/sources.ts'

async function taken(archive: Buffer, limits: Partial<ArchiveLimits> = {}): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  await unpack(archive, { ...LIMITS, ...limits }, async (path, size, content) => {
    const parts: Buffer[] = []
    for await (const part of content) parts.push(part)
    const bytes = Buffer.concat(parts)
    assert.equal(bytes.length, size)
    files[path] = bytes.toString('utf8')
  })
  return files
}

const pax = (records: string): TarEntry => ({ name: 'pax', type: 'x', content: records })
const record = (key: string, value: string): string => {
  const rest = ` ${key}=${value}\n`
  for (let length = Buffer.byteLength(rest) + 1; ; length++)
    if (Buffer.byteLength(`${length}${rest}`) === length) return `${length}${rest}`
}

test('what is whole and harmless is taken: ustar, pax and GNU names, gzip or not', async () => {
  const long = `${'d'.repeat(90)}/${'f'.repeat(90)}.js`
  const entries: TarEntry[] = [
    { name: 'pax_global_header', type: 'g', content: record('comment', 'abc') },
    { name: './', type: '5' },
    { name: './a.js', content: 'one' },
    { name: 'empty', content: '' },
    { name: 'old', type: '\0', content: 'x'.repeat(512) },
    pax(record('path', long) + record('mtime', '1.5')),
    { name: 'short', content: 'long one' },
    { name: '././@LongLink', type: 'L', content: `g/${'é'.repeat(100)}\0` },
    { name: 'cut', content: 'gnu' },
  ]
  const expected = {
    'a.js': 'one',
    empty: '',
    old: 'x'.repeat(512),
    [long]: 'long one',
    [`g/${'é'.repeat(100)}`]: 'gnu',
  }
  assert.deepEqual(await taken(tarOf(entries)), expected)
  assert.deepEqual(await taken(tgzOf(entries)), expected)
})

const file = { name: 'f', content: 'x' }
const HOSTILE: [string, Buffer, RegExp, Partial<ArchiveLimits>?][] = [
  ['a path that climbs out', tgzOf([{ name: '../../etc/passwd', content: 'x' }]), /leads out/],
  ['one that does so in its middle', tgzOf([{ name: 'a/../../b', content: 'x' }]), /leads out/],
  ['one in a pax header', tgzOf([pax(record('path', '../x')), file]), /leads out/],
  ['an absolute path', tgzOf([{ name: '/etc/cron.d/x', content: 'x' }]), /absolute/],
  ['a drive', tgzOf([{ name: 'C:/x', content: 'x' }]), /absolute/],
  ['a backslash', tgzOf([{ name: '..\\x', content: 'x' }]), /no name/],
  ['a control character', tgzOf([{ name: 'a\nb', content: 'x' }]), /no name/],
  ['NUL in a pax name', tgzOf([pax(record('path', 'a\0b')), file]), /no name/],
  ['a name of 300 bytes in a part', tgzOf([pax(record('path', 'n'.repeat(300))), file]), /too long/],
  ['depth', tgzOf([pax(record('path', `${'a/'.repeat(40)}x`)), file]), /too deep/],
  ['a symbolic link', tgzOf([{ name: 'l', type: '2', link: '/etc/passwd' }]), /symbolic link/],
  ['a hard link', tgzOf([{ name: 'l', type: '1', link: '/etc/passwd' }]), /hard link/],
  ['a device', tgzOf([{ name: 'd', type: '3' }]), /device/],
  ['a pipe', tgzOf([{ name: 'p', type: '6' }]), /pipe/],
  ['a kind nobody knows', tgzOf([{ name: 'p', type: 'S' }]), /unknown kind/],
  ['a global name', tgzOf([{ name: 'g', type: 'g', content: record('path', 'x') }, file]), /one name/],
  ['a damaged pax record', tgzOf([pax('99 path=x\n'), file]), /damaged/],
  ['a pax record of length nothing', tgzOf([pax('0 path=x\n'), file]), /damaged/],
  ['a pax size that is none', tgzOf([pax(record('size', '-5')), file]), /damaged/],
  ['holes', tgzOf([pax(record('GNU.sparse.major', '1')), file]), /holes/],
  ['a header of names without end', tgzOf([{ name: 'x', type: 'L', content: 'n'.repeat(70_000) }]), /too long/],
  ['a directory with a content', tgzOf([{ name: 'd/', type: '5', content: 'x' }]), /directory/],
  [
    'too many files',
    tgzOf(Array.from({ length: 11 }, (_, i) => ({ name: `f${i}` }))),
    /more than 10 files/,
    { entries: 10 },
  ],
  ['a large file', tgzOf([{ name: 'f', content: 'x'.repeat(2000) }]), /larger than 1000/, { file: 1000 }],
  ['a large sum', tgzOf([file, { name: 'g', content: 'x'.repeat(2000) }]), /more than 1000/, { unpacked: 1000 }],
  ['a bomb', tgzOf([{ name: 'zeros', content: Buffer.alloc(16 * 1024 * 1024) }]), /100 times/],
  ['a bomb of directories', tgzOf(Array.from({ length: 20_000 }, () => ({ name: 'd/', type: '5' }))), /100 times/],
  ['a size beyond the end', tgzOf([{ name: 'f', content: 'x', size: 5000 }]), /cut|damaged/],
  ['an end in the middle', gzipSync(tarOf([{ name: 'f', content: 'x'.repeat(900) }]).subarray(0, 700)), /cut/],
  ['no end at all', tarOf([file]).subarray(0, 1024), /cut/],
  ['a broken gzip', tgzOf([file]).subarray(0, 60), /damaged|cut/],
  ['no archive', Buffer.from('<html>'.repeat(200)), /not a tar/],
  ['nothing', Buffer.alloc(0), /cut/],
]

for (const [what, archive, message, limits] of HOSTILE) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(taken(archive, limits), error => {
      assert.ok(error instanceof ArchiveRefused, String(error))
      assert.match(error.message, message)
      return true
    })
  })
}

test('what is packed comes out again, and the same files give the same bytes', async () => {
  const files = { 'index.js': 'a', [`${'long/'.repeat(25)}f`]: 'b', 'é.txt': 'c', [`${'p'.repeat(120)}`]: 'd' }
  const list = Object.entries(files).map(([path, content]) => ({ path, content: Buffer.from(content) }))
  const packed = packTar(list)
  assert.deepEqual(await taken(packed), files)
  assert.deepEqual(packTar(list.toReversed()), packed)
})

test('a folder is read without git’s own, and links in it are refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'konnectory-folder-'))
  try {
    await writeFile(join(folder, 'a'), 'x')
    const seen: string[] = []
    await readFolder(folder, LIMITS, async path => void seen.push(path))
    assert.deepEqual(seen, ['a'])
    await symlink('/etc/passwd', join(folder, 'l'))
    await assert.rejects(
      readFolder(folder, LIMITS, async () => {}),
      /neither a file nor a folder/,
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('paths: spare slashes and dots go', () => {
  assert.deepEqual(['a//b', './a/./b', 'a/b/', '...', 'a..b'].map(safePath), ['a/b', 'a/b', 'a/b', '...', 'a..b'])
})
