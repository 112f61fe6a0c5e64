import type { RunGround } from '../run.ts'
import type { SelfTestReport } from '../types.ts'
export async function selfTest(ground: RunGround): Promise<SelfTestReport> {
  return { driver: ground.driver.name, holds: false, checks: [], warnings: [] }
}
