'use strict'

const { log, addFilter, setLevel, setNoRetry, namespace, Secret, LEVELS } = require('../log.ts')

/** The module of cozy-logger: the log function without a namespace of its own, with one method per level. */
function logger(type, message, label, name) {
  return log(type, message, label, name)
}

for (const type of Object.keys(LEVELS)) {
  logger[type] = (message, label, name) => log(type, message, label, name)
}
Object.assign(logger, { addFilter, setLevel, setNoRetry, Secret })

/** A function like the module itself that speaks in one name. */
logger.namespace = name => {
  const named = (type, message, label, other = name) => log(type, message, label, other)
  return Object.assign(named, namespace(name))
}
logger.default = logger

module.exports = logger
