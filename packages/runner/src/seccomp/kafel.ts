import { ALLOW, KILL_PROCESS, type Policy } from './assemble.ts'

/**
 * The policy in the words of kafel, the language of nsjail. Calls are written by number, so that one kafel has not heard of
 * yet is no syntax error. KILL_PROCESS, never KILL, which ends the thread and leaves the process hanging.
 */
export function kafelPolicy({ numbers, actions, arguments: withArguments, otherwise }: Policy): string {
  const byAction = new Map<string, string[]>()
  const add = (action: number, text: string) => {
    const name = actionName(action)
    byAction.set(name, [...(byAction.get(name) ?? []), text])
  }
  for (const [name, { clauses, otherwise: rest }] of Object.entries(withArguments)) {
    const number = numbers[name]
    if (number === undefined) continue
    const conditions = clauses.map(
      ({ all }) =>
        `(${all.map(({ argument, mask, equals }) => `${mask === undefined ? `a${argument}` : `(a${argument} & ${mask})`} == ${equals}`).join(' && ')})`,
    )
    const call = `SYSCALL[${number}](a0, a1, a2)`
    // Clauses of one rule share their action; what is left has the other.
    add(clauses[0]!.action, `${call} { ${conditions.join(' || ')} }`)
    if (rest !== otherwise) add(rest, `${call} { !(${conditions.join(' || ')}) }`)
  }
  for (const [name, action] of Object.entries(actions)) {
    const number = numbers[name]
    if (number !== undefined && !(name in withArguments)) add(action, `SYSCALL[${number}]`)
  }
  const blocks = [...byAction].map(([action, calls]) => `${action} { ${calls.join(', ')} }`)
  return `POLICY konnector { ${blocks.join(' ')} } USE konnector DEFAULT ${actionName(otherwise)}`
}

function actionName(action: number): string {
  if (action === ALLOW) return 'ALLOW'
  if (action === KILL_PROCESS) return 'KILL_PROCESS'
  return `ERRNO(${action & 0xffff})`
}
