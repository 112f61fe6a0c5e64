'use strict'

// Built-in modules that few runs need, loaded at first use: `node:child_process` and friends cost 1-3 ms each at start.
// (An ES module has no synchronous lazy import; a bundler keeps these requires as they are.)
exports.stream = () => require('node:stream')
