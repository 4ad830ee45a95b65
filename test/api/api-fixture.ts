/** A real server over the fake services, on a socket in a temporary directory and a port chosen by the system. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger, type Logger } from '../../src/base/log.ts'
import {
  ApiClient,
  apiDefaults,
  createApiServer,
  singleToken,
  type ApiOptions,
  type ApiServer,
} from '../../src/api/index.ts'
import type { TokenCheck } from '../../src/api/shield.ts'
import { systemClock, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import { fakeServices, type FakeState } from './fake-services.ts'

export const TOKEN = 'correct-horse-battery-staple'

export interface ApiFixture {
  readonly server: ApiServer
  /** A directory laid out like a home. */
  readonly home: string
  readonly socketPath: string
  readonly port: number
  readonly state: FakeState
  readonly local: ApiClient
  readonly remote: ApiClient
  close(): Promise<void>
}

/** One that may operate, not administer. */
export const OPERATOR_TOKEN = 'operator'

function tokensOfTest(token: string): ReturnType<TokenCheck> {
  return token === OPERATOR_TOKEN ? Promise.resolve({ name: 'op', role: 'operator' }) : singleToken(TOKEN)(token)
}

export async function startApi(options: Partial<ApiOptions> = {}, log: Logger = silentLogger): Promise<ApiFixture> {
  const folder = mkdtempSync(join(tmpdir(), 'plexi-api-'))
  const socketPath = join(folder, 'run', 'api.sock')
  const { services, state } = fakeServices()
  const ports = { clock: systemClock, random: systemRandom, disk: systemDisk, log }
  const server = await createApiServer(
    { ...apiDefaults, socketPath, port: 0, ...options },
    { services, tokens: tokensOfTest, ...ports },
  )
  await server.start()
  const port = server.port ?? 0
  return {
    server,
    home: folder,
    socketPath,
    port,
    state,
    local: new ApiClient({ socketPath }),
    remote: new ApiClient({ host: '127.0.0.1', port, token: TOKEN }),
    async close() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
