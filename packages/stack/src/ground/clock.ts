/** Where the ground takes the time from, so that a test can turn the hands. */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }
