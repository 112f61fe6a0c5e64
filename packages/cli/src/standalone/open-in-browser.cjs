'use strict'
/**
 * `openInBrowser($ | html)` of standalone and shell (`sdk/cli.md` section 6): writes the page to a file, prints its path, and opens
 * it when there is a screen. Loaded before the konnector with `--require`; plain CommonJS for Node 20.
 */
const { spawn } = require('node:child_process')
const { writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const FILE_NAME = 'cozy-run-standalone-open-file.html'

function openInBrowser(page) {
  const html = htmlOf(page)
  if (typeof html !== 'string' || html.trim() === '')
    throw new Error('openInBrowser needs a page: a cheerio $ or a text of HTML.')
  const path = join(tmpdir(), FILE_NAME)
  writeFileSync(path, html)
  console.log(`Page written to ${path}`)
  const [command, ...args] = opener()
  if (!command) return path
  // A machine without the program, or a browser that fails, must not end the konnector: the path is printed.
  spawn(command, [...args, path], { stdio: 'ignore', detached: true })
    .on('error', error => console.log(`No browser could be started: ${error.message}`))
    .unref()
  return path
}

function htmlOf(page) {
  if (typeof page === 'string') return page
  if (Buffer.isBuffer(page)) return page.toString()
  if (page && typeof page.html === 'function') return page.html()
  return undefined
}

function opener() {
  if (process.platform === 'darwin') return ['open']
  if (process.platform === 'win32') return ['cmd', '/c', 'start', '']
  const { BROWSER, DISPLAY, WAYLAND_DISPLAY } = process.env
  if (!DISPLAY && !WAYLAND_DISPLAY) return []
  return [BROWSER || 'xdg-open']
}

globalThis.openInBrowser = openInBrowser
module.exports = { openInBrowser, FILE_NAME }
