import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'

/**
 * Answers a run of `konnectory standalone` as its owner would: each time it asks for a code, types the last one that the demo
 * vendor "sent" (it says so on the same terminal).
 * @returns the exit code and all that was printed
 */
export async function typeCodes(
  child: ChildProcessWithoutNullStreams,
): Promise<{ code: number | null; output: string }> {
  let output = ''
  let typed = 0
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      output += part
      const asked = output.match(/Enter the code/g)?.length ?? 0
      if (asked === typed) return
      typed = asked
      child.stdin.write(`${[...output.matchAll(/votre code est (\d+)/g)].at(-1)?.[1]}\n`)
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
