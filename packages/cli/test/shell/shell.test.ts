import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { shell } from '../../src/shell/shell.ts'
import { capture, makeProject } from '../help/project.ts'

async function type(root: string, lines: string[], page?: string): Promise<string> {
  const captured = capture(root)
  captured.stdin.end(`${lines.join('\n')}\n`)
  assert.equal(await shell(page, captured.terminal), 0)
  return captured.stdout()
}

test('requests are awaited; response and $ are what came back; selections are shown as HTML', async () => {
  await using project = await makeProject({})
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html')
    if (request.url === '/form') return response.end('<form action="/" method="get"></form>')
    response.end('<h1 class="big">Hello</h1><ul><li>one</li><li>two</li></ul>')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const output = await type(project.root, [
      `request('http://127.0.0.1:${port}/')`,
      'response.statusCode',
      "$('h1')",
      "$('li')",
      "$('table')",
      '[1,',
      '2].length',
      '$ = undefined',
      `const kept = await request('http://127.0.0.1:${port}/')`,
      "$('h1').text() + ' again'",
      '$ = undefined',
      `signin({ url: 'http://127.0.0.1:${port}/form', formSelector: 'form', formData: {}, validate: () => true }) // gives a page`,
      "$('h1').text() + ' after the login'",
    ])
    assert.match(output, /> 200\n/)
    assert.match(output, /<h1 class="big">Hello<\/h1>/)
    assert.match(output, /\{ type: 'li', html: '<li>two<\/li>', text: 'two' \}/)
    assert.match(output, /\(no element\)/)
    assert.match(output, /2\n> /, 'an expression over two lines')
    assert.match(output, /'Hello again'/, 'an answer that was awaited and kept')
    assert.match(output, /'Hello after the login'/)
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test('the library is there, a file is loaded into $, failures do not end it', async () => {
  await using project = await makeProject({ 'page.html': '<p>from a file</p>' })
  const output = await type(
    project.root,
    [
      'typeof requestFactory + typeof saveBills + typeof BaseKonnector',
      'errors.LOGIN_FAILED',
      "$('p').text()",
      'response.body',
      "Promise.reject(new Error('no luck'))",
      'debug(true)',
      'typeof request',
    ],
    'page.html',
  )
  assert.match(output, /functionfunctionfunction/)
  assert.match(output, /'LOGIN_FAILED'/)
  assert.match(output, /'from a file'/)
  assert.match(output, /'<p>from a file<\/p>'/)
  assert.match(output, /no luck/)
  assert.match(output, /'function'\n> $/)
})

test('openInBrowser writes the page and says where; an empty one is refused', async () => {
  await using project = await makeProject({ 'page.html': '<p>x</p>' })
  delete process.env.DISPLAY
  delete process.env.WAYLAND_DISPLAY
  const output = await type(project.root, ['openInBrowser($)', "openInBrowser('')"], 'page.html')
  assert.match(output, /cozy-run-standalone-open-file\.html/)
  assert.match(output, /openInBrowser needs a page/)
})

test('a missing page is an error of use', async () => {
  await using project = await makeProject({})
  await assert.rejects(shell('nowhere.html', capture(project.root).terminal), /nowhere\.html does not exist/)
})
