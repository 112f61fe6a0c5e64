import stream = require('node:stream')

declare const builtins: {
  stream(): typeof stream
}
export = builtins
