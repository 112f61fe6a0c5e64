import childProcess = require('node:child_process')
import module = require('node:module')
import stream = require('node:stream')

declare const builtins: {
  childProcess(): typeof childProcess
  module(): typeof module
  stream(): typeof stream
}
export = builtins
