/** `run/token`: the bearer token of the API over TCP. A new one at every start, readable by this account alone. */
import { toBase64Url, utf8 } from '../base/bytes.ts'
import type { Disk } from '../base/disk.ts'
import type { Random } from '../base/random.ts'
import type { HomePaths } from '../config/home.ts'

const TOKEN_BYTES = 32

export async function newToken(paths: HomePaths, deps: { disk: Disk; random: Random }): Promise<string> {
  const token = toBase64Url(deps.random.bytes(TOKEN_BYTES))
  await deps.disk.writeFileAtomic(paths.token, utf8(`${token}\n`))
  return token
}
