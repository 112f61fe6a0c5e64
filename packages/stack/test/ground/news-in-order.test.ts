/** The order of the news, on a feed that is only imagined: every order in which answers can come, from a seed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createInOrder, type FeedPage, type InOrder } from '../../src/ground/documents/in-order.ts'
import type { NewsEvent } from '../../src/ground/news/contract.ts'

const tenant = { id: 't', domain: 't.localhost', url: 'http://t.localhost/', locale: 'en' }
const doctype = 'x.notes'
const epoch = 'e1'

/** mulberry32 */
function random(seed: number) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const eventOf = (seq: number, id: string, elsewhere?: true): NewsEvent => ({
  tenant,
  verb: 'UPDATED',
  doctype,
  id,
  doc: {},
  seq,
  epoch,
  elsewhere,
})

interface Process {
  inOrder: InOrder
  told: NewsEvent[]
  lost: number
  made: number[]
}

/** Some processes write, all at once; whatever can happen next is drawn. */
async function play(seed: number, { processes: count, writes }: { processes: number; writes: number }) {
  const draw = random(seed)
  const pick = (below: number) => Math.floor(draw() * below)
  /** What can happen next, in whatever order. */
  const possible: (() => void)[] = []
  /** Of a process's connection for notifications: in their order. */
  const later = (work: () => void) => void possible.push(work)

  let seq = 0
  const rows = new Map<string, number>()
  let holder: object | undefined
  const waiting: (() => void)[] = []

  const processes: Process[] = Array.from({ length: count }, (_, own) => {
    const told: NewsEvent[] = []
    const process: Process = {
      told,
      lost: 0,
      made: [],
      inOrder: createInOrder({
        publish(events) {
          told.push(...events)
          const mine = events.filter(event => !event.elsewhere).map(event => event.seq!)
          if (mine.length === 0) return
          const announcement = { tenant, doctype, epoch, from: Math.min(...mine), to: Math.max(...mine) }
          for (const [other, { inOrder }] of processes.entries())
            if (other !== own) later(() => inOrder.heard(announcement))
        },
        isWanted: () => true,
        lose: () => void process.lost++,
        read: (_tenant, _doctype, since, limit) =>
          new Promise<FeedPage>(resolve =>
            later(() => {
              const changed = [...rows].filter(([, at]) => at > since).sort(([, a], [, b]) => a - b)
              const page = { epoch, seq, events: changed.slice(0, limit).map(([id, at]) => eventOf(at, id, true)) }
              later(() => resolve(page))
            }),
          ),
      }),
    }
    return process
  })
  for (const { inOrder } of processes) {
    const followed = inOrder.follow(tenant, doctype, async () => ({ epoch, seq }))
    await followed
  }

  const lock = (work: () => void) => {
    if (holder) waiting.push(() => lock(work))
    else {
      holder = work
      work()
    }
  }
  const unlock = () => {
    holder = undefined
    waiting.shift()?.()
  }

  const begin = (process: Process, made: number) => {
    const ticket = process.inOrder.open()
    const isKnown = draw() < 0.5
    const aborts = draw() < 0.2
    const changes = 1 + pick(3)
    const ids = Array.from({ length: changes }, (_, n) => (draw() < 0.3 ? `shared${pick(4)}` : `${made}-${n}`))
    if (!isKnown) ticket.expect(tenant, doctype)
    later(() =>
      lock(() => {
        const first = seq + 1
        const end = () => {
          if (aborts) {
            unlock()
            return later(() => ticket.withdraw())
          }
          const events = ids.map((id, n) => eventOf(first + n, id))
          seq += changes
          for (const { id, seq: at } of events) rows.set(id!, at!)
          process.made.push(...events.map(event => event.seq!))
          unlock()
          later(() => void ticket.committed(events))
        }
        if (isKnown)
          later(() => {
            ticket.place(tenant, doctype, { first, epoch })
            later(end)
          })
        else end()
      }),
    )
  }

  let begun = 0
  for (;;) {
    if (begun < writes && (possible.length === 0 || draw() < 0.3)) begin(processes[pick(count)]!, begun++)
    else if (possible.length > 0) possible.splice(pick(possible.length), 1)[0]!()
    else {
      // Promises that are resolved bring the next things.
      for (let n = 0; n < 10; n++) await Promise.resolve()
      if (possible.length === 0 && begun === writes) break
      continue
    }
    for (let n = 0; n < 4; n++) await Promise.resolve()
  }
  return { processes, rows, seq }
}

describe('whatever comes first', () => {
  const games = [
    { processes: 1, writes: 40, seeds: 50 },
    { processes: 2, writes: 40, seeds: 60 },
    { processes: 3, writes: 60, seeds: 40 },
  ]
  for (const { seeds, ...game } of games) {
    it(`${game.processes} processes tell in order, each change once, and the own ones as their own`, async () => {
      for (let seed = 1; seed <= seeds; seed++) {
        const { processes, rows } = await play(seed, game)
        for (const [number, { told, made, inOrder, lost }] of processes.entries()) {
          const which = `seed ${seed}, process ${number}`
          const seqs = told.map(event => event.seq!)
          assert.deepEqual(
            seqs,
            [...new Set(seqs)].sort((a, b) => a - b),
            which,
          )
          const missing = [...rows.values()].filter(at => !seqs.includes(at))
          assert.deepEqual(missing, [], which)
          const own = told.filter(event => !event.elsewhere).map(event => event.seq)
          assert.deepEqual(own, made, which)
          assert.equal(inOrder.size(), 0, which)
          assert.equal(lost, 0, which)
        }
      }
    })
  }
})

describe('a feed', () => {
  const setUp = (read: (since: number) => Promise<FeedPage | undefined>, isWanted = () => true) => {
    const told: string[] = []
    const lost: string[] = []
    const inOrder = createInOrder({
      publish: events => void told.push(...events.map(event => `${event.epoch} ${event.seq}`)),
      isWanted,
      lose: where => void lost.push(where),
      read: (_tenant, _doctype, since) => read(since),
    })
    const commit = (seq: number, of = epoch) => {
      const ticket = inOrder.open()
      ticket.place(tenant, doctype, { first: seq, epoch: of })
      return ticket.committed([{ ...eventOf(seq, `${seq}`), epoch: of }])
    }
    const announce = (from: number, to = from, of = epoch) => inOrder.heard({ tenant, doctype, epoch: of, from, to })
    return { told, lost, inOrder, commit, announce }
  }
  const page = (...seqs: number[]): FeedPage => ({
    epoch,
    seq: seqs.at(-1)!,
    events: seqs.map(seq => eventOf(seq, `${seq}`, true)),
  })
  const settled = () => new Promise(resolve => setImmediate(resolve))

  it('that nobody wants is not read', async () => {
    const { told, commit, announce, inOrder } = setUp(
      () => assert.fail('was read'),
      () => false,
    )
    announce(1)
    assert.equal(commit(5), undefined)
    announce(6)
    await settled()
    assert.deepEqual([told, inOrder.size()], [['e1 5'], 0])
  })

  it('that was made anew begins from its beginning', async () => {
    const { told, commit, inOrder } = setUp(async () => ({
      ...page(1, 2),
      epoch: 'e2',
      events: [
        { ...eventOf(1, '1', true), epoch: 'e2' },
        { ...eventOf(2, '2', true), epoch: 'e2' },
      ],
    }))
    await inOrder.follow(tenant, doctype, async () => ({ epoch, seq: 7 }))
    commit(8)
    await commit(3, 'e2')
    assert.deepEqual([told, inOrder.size()], [['e1 8', 'e2 1', 'e2 2', 'e2 3'], 0])
  })

  it('that is gone while something was to be told does not keep it', async () => {
    const { told, commit, inOrder } = setUp(async () => undefined)
    await inOrder.follow(tenant, doctype, async () => ({ epoch, seq: 1 }))
    await commit(5)
    assert.deepEqual([told, inOrder.size()], [['e1 5'], 0])
  })

  it('announced before what was told first is told late rather than never', async () => {
    const { told, announce } = setUp(async since => page(...[4, 5, 6].filter(seq => seq > since)))
    announce(6)
    await settled()
    announce(4, 5)
    await settled()
    assert.deepEqual(told, ['e1 6', 'e1 4', 'e1 5'])
  })

  it('that cannot be read holds nothing up, says that news got lost, and goes on when it can', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let isDown = true
    const { told, lost, commit, inOrder } = setUp(async since => {
      if (isDown) throw new Error('down')
      return page(...[2, 3].filter(seq => seq > since))
    })
    await inOrder.follow(tenant, doctype, async () => ({ epoch, seq: 1 }))
    await commit(3)
    assert.deepEqual([told, lost], [['e1 3'], ['here']])
    isDown = false
    t.mock.timers.tick(1_000)
    await settled()
    assert.deepEqual(told, ['e1 3', 'e1 2'])
    assert.equal(inOrder.size(), 0)
  })

  it('whose commit perhaps was done is looked at, and everybody is told', async () => {
    const { told, lost, inOrder } = setUp(async () => page(2))
    await inOrder.follow(tenant, doctype, async () => ({ epoch, seq: 1 }))
    const ticket = inOrder.open()
    ticket.place(tenant, doctype, { first: 2, epoch })
    ticket.withdraw(true)
    await settled()
    assert.deepEqual([told, lost, inOrder.size()], [['e1 2'], ['everywhere'], 0])
  })
})
